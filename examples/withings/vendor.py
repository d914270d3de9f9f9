"""A few weighings on a port of this machine, answered as Withings does: `python examples/withings/vendor.py 9000`."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

#: Unix time and grams.
WEIGHINGS = ((1794175530, 75450), (1794262000, 74900))


class Scales(BaseHTTPRequestHandler):
    """One page with the weighings between `startdate` and `enddate`; always HTTP status 200."""

    def do_POST(self) -> None:
        """Answer with the weighings of a window."""
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        first, end = (int(form[name][0]) for name in ("startdate", "enddate"))
        groups = [
            {"grpid": at, "attrib": 0, "date": at, "category": 1, "measures": [{"type": 1, "value": grams, "unit": -3}]}
            for at, grams in WEIGHINGS
            if first <= at < end
        ]
        body = {"updatetime": end, "timezone": "Asia/Tokyo", "measuregrps": groups, "more": 0, "offset": 0}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"status": 0, "body": body}).encode())


HTTPServer(("127.0.0.1", int(sys.argv[1])), Scales).serve_forever()
