/**
 * Markup escapes everything that is put into it: what a server sent us (close reasons, error samples, room names)
 * stands in a report, and a report is opened in a browser.
 */

/** Text that is markup already. Made by `html` alone. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Insertable = string | number | Markup | undefined | readonly Insertable[];

/** A template whose insertions are escaped, markup excepted; lists are joined, undefined is nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly Insertable[]): Markup {
  return new Markup(parts.reduce((text, part, index) => text + inserted(values[index - 1]) + part));
}

function inserted(value: Insertable): string {
  if (value === undefined) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  return value.map(inserted).join('');
}

const replacements: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Safe between tags and inside quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => replacements[character] ?? character);
}

/** JSON that no HTML parser can see the end of: `<` and the two line separators are written as escapes. */
export function embeddedJson(value: unknown): Markup {
  const text = JSON.stringify(value).replace(/[<\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return new Markup(text);
}

/** A column of a table; numbers are set flush right. */
export interface TableColumn {
  readonly title: string;
  readonly isNumber?: boolean;
}

/** A table with a caption that is read out; wide ones scroll by themselves on a phone. */
export function table(
  columns: readonly TableColumn[],
  rows: readonly (readonly Insertable[])[],
  options: {
    readonly caption: string;
    readonly id?: string;
    readonly isCaptionHidden?: boolean;
    /** On a phone each row is a block of its figures, so that none is beyond the edge. */
    readonly isStacked?: boolean;
  },
): Markup {
  const { caption } = options;
  const cell = (value: Insertable, index: number): Markup => {
    const name = columns[index]?.isNumber === true ? 'number' : 'text';
    if (index === 0) return html`<th scope="row" class="${name}">${value}</th>`;
    // Where a table is stacked, on a phone, each figure carries its own head.
    return html`<td class="${name}" data-head="${columns[index]?.title}">${value}</td>`;
  };
  const heads = columns.map(
    (column) => html`<th scope="col" class="${column.isNumber === true ? 'number' : 'text'}">${column.title}</th>`,
  );
  const id = options.id === undefined ? undefined : html` id="${options.id}"`;
  const stacked = options.isStacked === true ? html` class="stacked"` : undefined;
  const hidden = options.isCaptionHidden === true ? html` class="hidden"` : undefined;
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table${id}${stacked}>
<caption${hidden}>${caption}</caption>
<thead><tr>${heads}</tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr>
        ${row.map(cell)}
      </tr> `,
  )}</tbody>
</table></div>`;
}
