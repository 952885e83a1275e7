/** An app hands over a payload to be sent, and a channel receives this of it. */

/** What frames a channel's payloads become; docs/semantics.md has the table. */
export type PayloadType = 'json' | 'text' | 'bytes';

/** A payload in the form in which it travels and is kept: encoded, so that nobody can change it afterwards. */
export type Payload =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'json'; readonly text: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };
