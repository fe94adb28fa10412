#!/usr/bin/env python3
"""`GET /v1/jobs/{id}` and a large download beside nginx and Go's net/http, in one run on one machine.

    http_load.py [--temper PATH] [--seconds 8] [--rounds 3] [--megabytes 200]

wrk keeps 64 connections on two threads. The peers answer the very bytes of the job: nginx from a file, Go from memory, both with an access log. The
download is the weights of a model: Temper against nginx, by curl. The sides take turns, and the median of the rounds counts.
Needs Debian's wrk, nginx-light, golang-go and curl.
"""
import argparse
import json
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Benchmarks"))
from service import Service, submitted, wait_until  # noqa: E402

NGINX = """
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/nginx.error;
events {{ worker_connections 1024; }}
http {{
  access_log {folder}/nginx.log; sendfile on; tcp_nopush on; keepalive_requests 100000000; default_type application/json;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; root {folder}/www; }}
}}
"""


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


def peers(folder, job):
    """Starts nginx and Go's server with the job's bytes. Returns the processes, and the address by name."""
    (folder / "www").mkdir()
    (folder / "www/job").write_bytes(job)
    ports = {"nginx": free_port(), "go": free_port()}
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=ports["nginx"]))
    source = pathlib.Path(__file__).with_name("http_server.go")
    subprocess.run(["go", "build", "-o", folder / "peer", source], check=True, env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "GO111MODULE": "off"})
    processes = [
        subprocess.Popen(["nginx", "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL),
        subprocess.Popen([folder / "peer", str(ports["go"]), folder / "www/job", folder / "go.log"]),
    ]
    for port in ports.values():
        wait_for(port)
    return processes, {name: f"http://127.0.0.1:{port}/job" for name, port in ports.items()}


def wrk(url, seconds):
    """Requests per second, and the p99 in milliseconds."""
    text = subprocess.run(["wrk", "-t2", "-c64", f"-d{seconds}s", "--latency", url], capture_output=True, text=True, check=True).stdout
    if re.search(r"Non-2xx|Socket errors", text):
        sys.exit(f"{url}: {text}")
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


def download(url):
    """Megabytes per second."""
    out = subprocess.run(["curl", "-sf", "-o", "/dev/null", "-w", "%{speed_download}", url], capture_output=True, text=True, check=True)
    return float(out.stdout) / 1e6


def safetensors(path, megabytes):
    header = {"0.weight": {"dtype": "F32", "shape": [megabytes * 250, 1000], "data_offsets": [0, megabytes * 1_000_000]}}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _ in range(megabytes):
            file.write(b"\x3f" * 1_000_000)


def upload(service, path):
    url = f"http://127.0.0.1:{service.port}/v1/models?name=large"
    with path.open("rb") as file:
        request = urllib.request.Request(url, file, {"Content-Type": "application/octet-stream", "Content-Length": str(path.stat().st_size)}, method="POST")
        return json.load(urllib.request.urlopen(request))["id"]


def rounds(title, sides, count, ask, unit):
    """Asks every side in turn, and prints the medians with their ratio to Temper's."""
    figures = {name: [] for name in sides}
    for _ in range(count):
        for name, url in sides.items():
            figures[name].append(ask(url))
    print(title)
    own = statistics.median(first(figure) for figure in figures["temper"])
    for name, seen in figures.items():
        median = statistics.median(map(first, seen))
        tail = f"  p99 {statistics.median(figure[1] for figure in seen):6.2f} ms" if isinstance(seen[0], tuple) else ""
        print(f"  {name:8} {median:10.0f} {unit}{tail}  temper / {name} {own / median:5.2f}   ({', '.join(f'{first(figure):.0f}' for figure in seen)})")


def first(figure):
    return figure[0] if isinstance(figure, tuple) else figure


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--temper", default=".build/release/temper")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=200)
    options = parser.parse_args()
    spec = {"dataset": {"id": "digits", "limit": 200}, "model": {"architecture": "linear"}, "threat": {"norm": "linf", "epsilon": 0.1},
            "training": {"method": "fgsm", "base_epochs": 1, "epochs": 1}, "evaluation": {"samples": 20, "attacks": [{"name": "fgsm"}], "curve": []}}
    with Service(options.temper) as service:
        with service.connection() as connection:
            job = submitted(connection, spec)
            wait_until(connection, job, lambda now: now["state"] == "succeeded")
            text = connection.get(f"/v1/jobs/{job}").body
        processes, urls = peers(service.folder, text)
        try:
            urls = {"temper": f"http://127.0.0.1:{service.port}/v1/jobs/{job}", **urls}
            rounds(f"wrk -t2 -c64, a JSON of {len(text)} bytes", urls, options.rounds, lambda url: wrk(url, options.seconds), "requests/s")
            large = service.folder / "www/large"
            safetensors(large, options.megabytes)
            model = upload(service, large)
            sides = {"temper": f"http://127.0.0.1:{service.port}/v1/models/{model}/weights", "nginx": urls["nginx"].replace("/job", "/large")}
            rounds(f"a download of {options.megabytes} MB", sides, 2 * options.rounds + 1, download, "MB/s")
        finally:
            for process in processes:
                process.terminate()
                process.wait()


if __name__ == "__main__":
    for tool in ("wrk", "nginx", "go", "curl"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed")
    main()
