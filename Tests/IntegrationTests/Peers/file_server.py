"""file_server.py ROOT VERSION: python's http.server for the files under ROOT, speaking HTTP/VERSION: 1.0 closes after each."""

import functools
import http.server
import sys


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = f"HTTP/{sys.argv[2]}"

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    # Many connect at once.
    request_queue_size = 1024


server = Server(("127.0.0.1", 0), functools.partial(Handler, directory=sys.argv[1]))
print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
