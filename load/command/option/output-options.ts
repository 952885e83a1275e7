import { runs, type Option } from './option.ts';
import { flag, last, list, wholeNumber } from './option-value.ts';

/** These options say what is written, and where to. */
export const outputOptions: readonly Option[] = [
  {
    key: 'json',
    commands: [...runs, 'report', 'doctor', 'simulate'],
    describes: 'One JSON document on standard output in place of the table.',
    read: flag,
  },
  {
    key: 'ndjson',
    commands: runs,
    describes: 'A line of JSON for each step on standard output, the result last.',
    read: flag,
  },
  {
    key: 'html',
    argument: 'file',
    commands: ['load', 'report'],
    describes: 'Writes the report as one HTML page that needs nothing else.',
    read: (texts) => last(texts),
  },
  {
    key: 'save',
    argument: 'file',
    commands: ['load', 'compare'],
    describes: 'Writes the report as JSON for report and compare. compare: given twice, one for each side.',
    read: (texts) => texts.flatMap(list),
  },
  {
    key: 'junit',
    argument: 'file',
    commands: ['load', 'report'],
    describes: 'Writes the verdict as JUnit XML: a test case for each threshold and each counter that must be 0.',
    read: (texts) => last(texts),
  },
  {
    key: 'openmetrics',
    argument: 'file',
    commands: ['load', 'report'],
    describes: 'Writes the figures as OpenMetrics text.',
    read: (texts) => last(texts),
  },
  {
    key: 'markdown',
    argument: 'file',
    commands: ['load', 'report'],
    describes: "Writes the result as Markdown, for the summary of a CI's job.",
    read: (texts) => last(texts),
  },
  {
    key: 'trace',
    argument: 'count',
    commands: ['load'],
    describes: 'The whole conversation of the first so many clients, to standard error or --trace-file.',
    read: (texts) => wholeNumber(last(texts), 1),
  },
  {
    key: 'traceFile',
    argument: 'file',
    commands: ['load'],
    describes: 'Where --trace goes.',
    default: 'standard error',
    read: (texts) => last(texts),
  },
];
