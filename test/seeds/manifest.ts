/** What the five documents of Nexios hold, so that no code block is without a twin. */
export interface SeedDocument {
  /** As the document calls itself. */
  readonly title: string;
  /** How the file of the document begins. */
  readonly file: string;
  /** How its code stands out: fenced, after a line `python`, or not at all. */
  readonly markup: 'fences' | 'labels' | 'none';
  /** Files beside this one that hold its twins. */
  readonly twins: readonly string[];
  /** Code blocks of each section, in the order of the document. */
  readonly sections: Readonly<Record<string, number>>;
}

const consumerSections: Readonly<Record<string, number>> = {
  'Consumer Basics': 1,
  'Automatic Message Decoding': 1,
  'Built-in Channel Management': 1,
  'Joining and Leaving Groups': 1,
  'Broadcasting Messages': 1,
  'Targeted Messaging': 1,
  'Custom Route Registration': 1,
  'Error Handling': 1,
  'Example: Complete Chat Consumer': 1,
};

export const seedDocuments: readonly SeedDocument[] = [
  {
    title: 'WebSocket Consumers in Nexios (source)',
    file: '000',
    markup: 'fences',
    twins: ['consumers.test.ts'],
    sections: consumerSections,
  },
  {
    title: 'WebSocket Consumers in Nexios (page)',
    file: '001',
    markup: 'labels',
    twins: ['consumers-page.test.ts'],
    sections: consumerSections,
  },
  {
    title: 'Websockets (the long guide)',
    file: '002',
    markup: 'fences',
    twins: ['guide.test.ts', 'guide-rooms.test.ts'],
    sections: {
      '1. Creating a WebSocket Endpoint': 1,
      '2. Handling Different Message Types': 3,
      '3. Connection Lifecycle': 1,
      'Accessing Connection Details': 1,
      'Error Handling': 1,
      'Basic Room Operations': 2,
      'Room Management Features': 4,
      'Complete Chat Room Example': 1,
    },
  },
  {
    title: 'WebSockets (the short guide)',
    file: '003',
    markup: 'fences',
    twins: ['websockets.test.ts'],
    sections: {
      WebSockets: 2,
      'Websocket Router': 3,
      'Sending Messages': 1,
      'Receiving Messages': 4,
      'Connection Lifecycle': 1,
      'Receive Messages (Loop)': 1,
      'Handle Disconnections': 1,
      'Close the Connection': 1,
    },
  },
  {
    title: 'WebSocket Support',
    file: '004',
    markup: 'none',
    twins: ['support.test.ts', 'support-router.test.ts'],
    sections: {
      'Basic WebSocket Endpoint': 1,
      'Class-Based WebSocket Controller': 1,
      'Handling JSON Data': 1,
      'Broadcasting Messages': 1,
      'Error Handling': 1,
      'Authentication and Authorization': 1,
      'Example: Using WebSocket Router': 1,
      'Example: WebSocket Authentication Middleware': 1,
      'Combining Routers and Middleware': 1,
    },
  },
];

/** `'Error Handling 1'`: a block by its section and its place in it. */
export function blocksOf(sections: Readonly<Record<string, number>>): string[] {
  return Object.entries(sections).flatMap(([section, count]) =>
    Array.from({ length: count }, (_, index) => `${section} ${index + 1}`),
  );
}

/** The sections of a document, counted from its text. */
export function sectionsOf(text: string, { markup, sections }: SeedDocument): Record<string, number> {
  const lines = text.split('\n');
  if (markup === 'fences') return countFences(lines);
  return markup === 'labels' ? countStarts(lines, sections, isLabel) : countStarts(lines, sections, isFirstLineOfCode);
}

function countFences(lines: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {};
  let section = '';
  let isInside = false;
  for (const line of lines) {
    if (line.startsWith('```')) {
      isInside = !isInside;
      if (isInside) found[section] = (found[section] ?? 0) + 1;
    } else if (!isInside && /^#+ /.test(line)) {
      // One document prefixes its headings with pictures that its copy has garbled.
      section = line
        .replaceAll(/[#*]/g, '')
        .trim()
        .replace(/^[^\p{ASCII}]\S*\s+/u, '');
    }
  }
  return found;
}

type IsStart = (lines: readonly string[], index: number) => boolean;

function countStarts(
  lines: readonly string[],
  sections: Readonly<Record<string, number>>,
  isStart: IsStart,
): Record<string, number> {
  const found: Record<string, number> = {};
  let section = '';
  for (const [index, line] of lines.entries()) {
    if (Object.hasOwn(sections, line.trim())) section = line.trim();
    else if (isStart(lines, index)) found[section] = (found[section] ?? 0) + 1;
  }
  return found;
}

const isLabel: IsStart = (lines, index) => lines[index] === 'python';
const python = /^(from |import |@|class |async def |"""|#|if __name__|(app|ws_router|active_connections)\b|\s+\S)/;
/** A bullet is indented as code is. */
const bullet = /^\s+•/;

/** Python whose nearest line above is prose. */
const isFirstLineOfCode: IsStart = (lines, index) => {
  const isCode = (line: string): boolean => python.test(line) && !bullet.test(line);
  if (!isCode(lines[index] ?? '')) return false;
  const above = lines.slice(0, index).findLast((line) => line.trim() !== '');
  return above !== undefined && !isCode(above);
};
