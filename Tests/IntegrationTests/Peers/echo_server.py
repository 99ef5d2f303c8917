"""echo_server.py [OFFSET]: an echo server; with an offset, it changes the byte that stands there in each stream."""

import asyncio
import sys

wrong_offset = int(sys.argv[1]) if len(sys.argv) > 1 else None


async def serve(reader, writer):
    offset = 0
    try:
        while part := bytearray(await reader.read(1 << 16)):
            if wrong_offset is not None and offset <= wrong_offset < offset + len(part):
                part[wrong_offset - offset] ^= 1
            offset += len(part)
            writer.write(part)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address, port = server.sockets[0].getsockname()
    print(f"listening on {address}:{port}", flush=True)
    await server.serve_forever()


asyncio.run(main())
