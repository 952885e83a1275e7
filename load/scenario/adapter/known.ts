import type { Adapter } from './adapter.ts';
import { chat } from './chat.ts';
import { echo } from './echo.ts';
import { json } from './json.ts';

/** The names that a scenario may give in place of an adapter. */
export const adapterNames = ['chat', 'echo', 'json'] as const;
export type AdapterName = (typeof adapterNames)[number];

export const adapters: Readonly<Record<AdapterName, Adapter>> = { chat, echo, json };
