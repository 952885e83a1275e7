import type { Adapter } from './adapter.ts';
import { channelbox } from './channelbox.ts';
import { chat } from './chat.ts';
import { echo } from './echo.ts';
import { graphqlWs } from './graphql-ws.ts';
import { json } from './json.ts';
import { socketIo } from './socket-io.ts';

/** A scenario may give these names in place of an adapter. */
export const adapterNames = ['chat', 'echo', 'json', 'socket.io', 'graphql-ws', 'channelbox'] as const;
export type AdapterName = (typeof adapterNames)[number];

export const adapters: Readonly<Record<AdapterName, Adapter>> = {
  chat,
  echo,
  json,
  'socket.io': socketIo,
  'graphql-ws': graphqlWs,
  channelbox,
};
