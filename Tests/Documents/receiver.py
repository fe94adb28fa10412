"""Takes deliveries of webhooks on a loopback port: receiver.py DELIVERIES PORT_FILE. Each is a line of JSON with its signature and its body."""

import http.server
import json
import pathlib
import sys


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with open(sys.argv[1], "a") as file:
            file.write(json.dumps({"signature": self.headers["Temper-Signature"], "body": body, "type": json.loads(body)["type"]}) + "\n")
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    pathlib.Path(sys.argv[2]).write_text(str(server.server_port))
    server.serve_forever()
