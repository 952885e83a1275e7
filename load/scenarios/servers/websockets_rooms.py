"""Rooms on Python's websockets, with the events of the load kit's json adapter. Prints its address."""

import asyncio
import json
import sys
from collections import defaultdict

import websockets

rooms = defaultdict(set)


async def serve_client(socket, _path=None):
    room = None
    try:
        async for text in socket:
            event = json.loads(text)
            if event["type"] == "join":
                room = event["room"]
                rooms[room].add(socket)
                await socket.send(json.dumps({"type": "joined", "room": room}))
            else:
                websockets.broadcast(rooms[room], text)
    finally:
        if room is not None:
            rooms[room].discard(socket)


async def main(port):
    async with websockets.serve(serve_client, "127.0.0.1", port, compression=None) as server:
        host, port = server.sockets[0].getsockname()
        print(f"ws://{host}:{port}", flush=True)
        # It ends with whoever started it.
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
