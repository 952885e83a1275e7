/**
 * What the documentation of the public names lacks: a docstring, or codes that fit the source. `npm run docs` refuses to
 * go on while there is any.
 */
import ts from 'typescript5';
import { isSaid } from './doc-comment.ts';
import type { Entry, Member, Survey } from './survey.ts';
import { ThrownCodes } from './throws.ts';

/** @returns one line a gap, with its place */
export function gapsOf({ doors, program }: Survey, root: string): string[] {
  const thrown = new ThrownCodes(program, root);
  const entries = doors.flatMap((door) => door.entries).filter(({ name, target }) => name === target);
  return entries.flatMap((entry) => [
    ...(isSaid(entry.doc) ? [] : [`${placeOf(entry)}: ${entry.name} has no docstring`]),
    ...entry.members
      .filter((member) => isMethod(member) && !isSaid(member.doc))
      .map((member) => {
        return `${placeOf(entry)}: ${entry.name}.${member.name} has no docstring`;
      }),
    ...[...asFunction(entry), ...entry.members].flatMap((member) => codeGaps(thrown, entry, member)),
  ]);
}

function codeGaps(thrown: ThrownCodes, entry: Entry, member: Member): string[] {
  const name = member.name === '' ? entry.name : `${entry.name}.${member.name}`;
  const said = codesIn(member, entry);
  const possible = thrown.from(member.nodes);
  const owed = isError(entry) || isConformance(entry) ? [] : [...thrown.directlyFrom(member.nodes)];
  return [
    ...said
      .filter((code) => !possible.has(code))
      .map((code) => `${placeOf(entry)}: ${name} says it throws ${code}, which nothing that it calls does`),
    ...owed
      .filter((code) => !said.includes(code) && !isChecked(entry, code))
      .map((code) => `${placeOf(entry)}: ${name} throws ${code} and does not say so`),
  ];
}

/** A function has no members; it is looked at like one. */
function asFunction(entry: Entry): Member[] {
  return entry.kind === 'function'
    ? [{ name: '', signature: entry.signature, doc: entry.doc, nodes: entry.nodes }]
    : [];
}

/** The errors of a class are its constructor's; one that says what another throws says that other's too. */
function codesIn(member: Member, entry: Entry): string[] {
  const own = member.doc.throws.join(' ');
  const ofClass = member.name === 'constructor' ? entry.doc.throws.join(' ') : '';
  return `${own} ${ofClass}`.match(/CHANNELBOX_[A-Z0-9_]+/g) ?? [];
}

/** A scenario's durations are checked by its validation, which names the key, before anything reads them. */
function isChecked({ file }: Entry, code: string): boolean {
  return code === 'CHANNELBOX_DURATION' && file.startsWith('load/');
}

/** Makes what others throw. */
function isError({ name }: Entry): boolean {
  return name.endsWith('Error');
}

/** The suites name codes that they expect of others. */
function isConformance(entry: Entry): boolean {
  return entry.file.includes('/conformance/');
}

function isMethod({ nodes }: Member): boolean {
  return nodes.some((node) => ts.isFunctionLike(node) && !ts.isConstructorDeclaration(node) && !ts.isAccessor(node));
}

function placeOf({ file, line }: Entry): string {
  return `${file}:${line}`;
}
