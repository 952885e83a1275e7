/** Tells a sentence from a heading: a docstring's first sentence has a subject and a verb, or begins with what its file does. */

/** Words that a file's first sentence has as its verb. One that is missing here is added; a noun is not. */
const verbs: ReadonlySet<string> = new Set(
  `is are was were has have does do can may must will
  adds ask asks begins breaks bounds brings builds calls carries checks closes collects come comes compares connects could counts decides decodes
  delivers draws drives duplicates encodes ends escapes fails fills finds follows found get gets gives goes go groups hands has hold holds imports joins keeps
  knows leads learns leaves lend lends lets lives loads makes marks matches match measures meets meet moves names needs opens
  orders parses part passes picks plays prints provides publishes puts ran reach reaches read reads receives refuses repeats
  replaces runs say says see sees sends serves settles share shows simulates sorts speaks stands starts stays stops stores
  takes tell tells tests translates tries turns waits walks wants watches wraps writes`.split(/\s+/),
);

/** Where a clause begins that has a verb of its own. */
const subordinate = /\b(?:what|which|that|who|whose|whom|where|when|how|whether|as|if|until|once|while)\b/;
const nounClause = /^(?:and |or )?(?:what|which|who|whose|where|when|how|whether|whoever|as|if|of)\b/i;

export function hasVerb(sentence: string): boolean {
  const text = sentence.replaceAll(/`[^`]*`/g, 'X').replaceAll(/\([^)]*\)/g, '');
  const [first = ''] = text.replace(/^X:? ?/, '').split(/[ ,]/);
  if (/^[A-Z]/.test(first) && verbs.has(first.toLowerCase()) && first.endsWith('s')) return true;
  return text.split(/[;:]/).some((clause) => {
    const whole = clause.trim();
    if (nounClause.test(whole)) return false;
    const [main = ''] = whole.split(subordinate);
    return main.split(/[^\w'-]+/).some((word) => verbs.has(word));
  });
}
