import type { Adapter } from './adapter.ts';
import { chat } from './chat.ts';
import { echo } from './echo.ts';
import { json } from './json.ts';

/** The adapters that a scenario may name. */
export const adapters: Readonly<Record<'chat' | 'echo' | 'json', Adapter>> = { chat, echo, json };
