import { readdirSync, readFileSync } from 'node:fs';
import * as channelbox from 'channelbox';
import { App, consumer, WSRouter, type Channel, type WebSocket } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';

const at = (path: string): URL => new URL(path, import.meta.url);
const page = readFileSync(at('../../docs/nexios.md'), 'utf8');

/** The rows of all tables under a heading, without their heads. */
function rowsUnder(heading: string): string[][] {
  const [, text = ''] = page.split(`\n## ${heading}\n`);
  const [section = ''] = text.split('\n## ');
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  const isBody = (line: string, index: number): boolean =>
    !/^\|\s*-/.test(line) && !/^\|\s*-/.test(lines[index + 1] ?? '');
  return lines.filter(isBody).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

const codeIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string);

/** Every name that the documents use, and those that Nexios's source adds. */
const nexiosNames = `NexiosApp Nexios() get_application() app.run app.ws_route app.websocket_route app.add_ws_route
  app.mount_ws_router app.include_ws_router app.add_ws_middleware router.ws_route router.add_ws_route WebsocketRoutes
  WSRouter(prefix=…) WSRouter([routes]) WebSocket ws.accept ws.receive ws.receive_text ws.receive_bytes ws.receive_json
  ws.send_text ws.send_bytes ws.send_json ws.is_connected ws.client.host ws.client.port ws.query_params
  ws.scope["headers"] ws.scope["query_string"] ws.scope["query_params"] ws.scope["path_params"] ws.scope["user"]
  WebSocketConsumer WebSocketEndpoint WebSocketController WebSocketMiddleware AuthMiddleware call_next encoding
  on_connect on_receive on_disconnect join_group leave_group send_to group as_route self.channel self.logger
  self.send_text channel.uuid channel.created channel.expires PayloadTypeEnum.JSON.value ChannelBox
  ChannelBox.add_channel_to_group ChannelBox.remove_channel_from_group ChannelBox.group_send ChannelBox.show_groups
  ChannelBox.show_history ChannelBox.flush_history ChannelBox.send_to ChannelBox.close_all_connections
  ChannelBox._clean_expired status.WS_1011_INTERNAL_ERROR ws.iter_text ws.iter_bytes ws.iter_json
  ChannelBox.flush_groups router.mount_router wrap_asgi WebSocketState register_url_convertor ChannelAddStatusEnum
  ChannelRemoveStatusEnum GroupSendStatusEnum CHANNEL_BOX_HISTORY_SIZE app.websocket channel.metadata channel.touch
  channel.id channel.is_active channel.send channel.receive`
  .split(/\s+/)
  .concat(
    'ws.close(code, reason)',
    'WebSocketDisconnect(code, reason)',
    'WebSocketException(code, reason)',
    'broadcast(payload, group_name, save_history)',
    'Channel(websocket, payload_type, expires)',
  );

/** One of each thing that the page speaks of, alive. */
async function specimens(): Promise<Readonly<Record<string, object>>> {
  const met: { ws?: WebSocket; channel?: Channel; this?: object } = {};
  const app = new App().addWsRoute(
    consumer('/x', {
      onConnect(ws) {
        Object.assign(met, { ws, channel: ws.channel, this: this });
        return ws.accept();
      },
    }),
  );
  await using t = testApp(app);
  await t.connect('/x');
  return { app, router: new WSRouter(), box: app.channelBox, ...met };
}

describe('the names on the page', () => {
  const rows = rowsUnder('Names');

  test('include every name in the documents', () => {
    const named = rows.flatMap(([documents = '']) => codeIn(documents));

    expect(nexiosNames.filter((name) => !named.includes(name))).toEqual([]);
  });

  test('are members of what they are said to be members of', async () => {
    const things = await specimens();
    const members = rows
      .flatMap(([, here = '']) => codeIn(here))
      .filter((name) => /^\w+\.\w+$/.test(name))
      .map((name) => name.split('.') as [string, string]);

    expect(members.length).toBeGreaterThan(50);
    expect(members.filter(([thing, member]) => !(member in (things[thing] ?? {})))).toEqual([]);
  });

  test('are exported, where they are values', () => {
    const types = 'WebSocket ServerWebSocket Middleware JoinResult LeaveResult Delivery HistoryEntry Converters'.split(
      ' ',
    );
    const names = rows
      .flatMap(([, here = '']) => codeIn(here))
      .filter((name) => /^([A-Z]\w+|consumer|status)$/.test(name));
    const values = names.filter((name) => !types.includes(name) && name !== 'CHANNEL_BOX_HISTORY_SIZE');

    expect(values.length).toBeGreaterThan(10);
    expect(values.filter((name) => !(name in channelbox))).toEqual([]);
  });
});

test('every contradiction says what is said, what Nexios does and what channelbox does', () => {
  const rows = rowsUnder('Contradictions');

  expect(rows.length).toBeGreaterThan(30);
  expect(rows.filter(([said, theirs, ours, ...why]) => !said || !theirs || !ours || why.length !== 1)).toEqual([]);
});

test('every defect on the page has its test, and every such test is on the page', () => {
  const files = readdirSync(at('.')).filter((file) => file.startsWith('defects-'));
  const title = /\btest(?:\.each\([^\n]*\)|\.each\(\[[\s\S]*?\n {2}\](?: as const)?\))?\(\s*(['"])(.+?)\1,/g;
  const titles = files.flatMap((file) =>
    [...readFileSync(at(file), 'utf8').matchAll(title)].map(([, , found]) => found as string),
  );
  const listed = rowsUnder('Defects').map(([, , found]) => found as string);

  expect(titles.length).toBeGreaterThan(50);
  expect(listed.toSorted()).toEqual(titles.toSorted());
});
