import type { RunReport } from '../result/run-report.ts';
import { observedText } from './format/signal.ts';

/** One line of a run's judgement, as a CI shows it. */
interface Case {
  readonly name: string;
  /** Why it failed; absent where it passed. */
  readonly failure?: string;
}

/** Counters that must be 0 where no threshold names them. */
const counters = ['lost', 'duplicated', 'reordered', 'misrouted', 'corrupt', 'refused', 'dropped'] as const;

/**
 * A report is written as JUnit XML: the verdict, each threshold and each counter that must be 0 is a test case. A run
 * that proves nothing is an error, as JUnit calls what could not be tested.
 */
export function junitReport(report: RunReport): string {
  const cases = casesOf(report);
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const isInvalid = report.verdict === 'invalid';
  const seconds = ((report.series.at(-1)?.['atMs'] ?? 0) / 1_000).toFixed(3);
  const reasons = report.verdict === 'pass' ? [] : report.reasons;
  const counts = `tests="${cases.length + 1}" failures="${failures + (report.verdict === 'fail' ? 1 : 0)}" errors="${isInvalid ? 1 : 0}" skipped="0" time="${seconds}"`;
  const className = attribute(`channelbox.load.${report.scenario}`);
  const startedAt = report.environment['startedAt'];
  const timestamp =
    startedAt === undefined ? '' : ` timestamp="${attribute(String(startedAt).replace(/\.\d+Z$/, ''))}"`;
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="channelbox load" ${counts}>`,
    `  <testsuite name="${attribute(report.scenario)}" ${counts}${timestamp}>`,
    '    <properties>',
    ...Object.entries({ seed: report.seed, ...report.environment }).map(
      ([name, value]) => `      <property name="${attribute(name)}" value="${attribute(String(value))}"/>`,
    ),
    '    </properties>',
    ...testCase(className, seconds, {
      name: 'verdict',
      ...(reasons.length === 0 ? {} : { failure: reasons.join('\n') }),
      element: isInvalid ? 'error' : 'failure',
    }),
    ...cases.flatMap((entry) => testCase(className, '0', { ...entry, element: 'failure' })),
    '  </testsuite>',
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
}

function casesOf({ thresholds, ledger, clients }: RunReport): readonly Case[] {
  const named = thresholds.map(({ expression, observed, passed }) => ({
    name: expression,
    ...(passed ? {} : { failure: `${observedText(expression, observed)} was observed` }),
  }));
  const implied = counters
    .filter((name) => !thresholds.some(({ expression }) => new RegExp(`^\\s*${name}\\b`).test(expression)))
    .map((name) => {
      const count = name === 'refused' || name === 'dropped' ? clients[name] : ledger[name];
      return { name: `${name} == 0`, ...(count === 0 ? {} : { failure: `${count} was observed` }) };
    });
  return [...named, ...implied];
}

function testCase(
  className: string,
  seconds: string,
  { name, failure, element }: Case & { readonly element: 'failure' | 'error' },
): readonly string[] {
  const head = `    <testcase classname="${className}" name="${attribute(name)}" time="${seconds}"`;
  if (failure === undefined) return [`${head}/>`];
  const [first = ''] = failure.split('\n');
  return [
    `${head}>`,
    `      <${element} message="${attribute(first)}">${escaped(failure)}</${element}>`,
    '    </testcase>',
  ];
}

/** XML 1.0 has no place for control characters, escaped or not. */
function escaped(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

function attribute(text: string): string {
  return escaped(text).replaceAll('"', '&quot;').replace(/\s/g, ' ');
}
