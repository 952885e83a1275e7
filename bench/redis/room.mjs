/** This is what a server of channelbox does for each member: lets it into its room, and says so. */
export async function intoRoom(ws, { room }) {
  await ws.accept();
  await ws.join(room);
  await ws.sendText('joined');
  await ws.receive().catch(() => {});
}
