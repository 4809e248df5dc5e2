"""Single requests: whether somebody is there, and whether the answer is the right one."""

import http.client
import json
import socket
import ssl
import time


def wait_for(port, process, log):
    """Until somebody listens."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not process.alive:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"nobody listens on {port}: {log.read_text(errors='replace')[-2000:]}")


def get(port, path, token=None, ca=None):
    """The status and the body."""
    if ca:
        context = ssl.create_default_context(cafile=ca)
        connection = http.client.HTTPSConnection("localhost", port, timeout=10, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def seen(port):
    """What the origin has counted."""
    return json.loads(get(port, "/-/seen")[1])


def settled(port, silence):
    """What the origin has counted, once nothing has come for so many seconds: a load that ends leaves requests behind."""
    before = None
    while (now := seen(port)) != before:
        before = now
        time.sleep(silence)
    return now
