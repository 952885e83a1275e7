/** Writes the survey of the public names as Markdown: one page a door, one section a name, one line a member. */
import type { DocComment } from './doc-comment.ts';
import type { Door, Entry, Member } from './survey.ts';

/** @param sourceUrl address of the sources, without the path */
export function referencePage(door: Door, sourceUrl: string): string {
  const listed = door.entries.map(({ name }) => `[\`${name}\`](#${name.toLowerCase()})`).join(' · ');
  const entries = door.entries.map((entry) => section(entry, sourceUrl));
  return [`# ${door.name}`, door.doc.text, listed, ...entries].filter((part) => part !== '').join('\n\n') + '\n';
}

function section(entry: Entry, sourceUrl: string): string {
  const where = `${entry.kind} in [${entry.file}](${sourceUrl}/${entry.file}#L${entry.line})`;
  const alias = entry.name === entry.target ? '' : `Another name of \`${entry.target}\`.`;
  const members = alias === '' ? entry.members.map(line) : [];
  return [`## ${entry.name}`, where, alias, fenced(entry.signature), prose(entry.doc), members.join('\n')]
    .filter((part) => part !== '')
    .join('\n\n');
}

function line(member: Member): string {
  const signatures =
    member.signature.split('\n').every((text) => text.length < 110) && !member.signature.includes('\n');
  const shown = signatures
    ? `- \`${member.signature}\``
    : `- \`${member.name}\`\n\n${indented(fenced(member.signature))}\n`;
  const said = prose(member.doc);
  return said === '' ? shown : `${shown}\n\n${indented(said)}\n`;
}

function prose({ text, params, returns, throws }: DocComment): string {
  const parts = [
    text,
    ...params.map(([name, said]) => `\`${name}\`: ${said}`),
    returns === '' ? '' : `Returns ${returns}`,
    ...throws.map((said) => `Throws ${linked(said)}`),
  ];
  return escaped(parts.filter((part) => part !== '').join('\n\n'));
}

/** `{BoxError} \`CODE\`` as prose, each code a link to its section. */
function linked(said: string): string {
  return said
    .replaceAll(/\{(\w+)\}/g, '`$1`')
    .replaceAll(
      /`(CHANNELBOX_[A-Z0-9_]+)`/g,
      (_all, code: string) => `[\`${code}\`](../docs/errors.md#${code.toLowerCase()})`,
    );
}

/** What is no code must not be read as a tag or a template of the page. */
function escaped(text: string): string {
  return text
    .split(/(```[^]*?```|`[^`]*`)/)
    .map((part, at) => (at % 2 === 1 ? part : part.replaceAll('{{', '{&#8203;{')))
    .join('');
}

function fenced(signature: string): string {
  return `\`\`\`typescript\n${signature}\n\`\`\``;
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}
