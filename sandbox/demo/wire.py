"""Watches the TCP payloads that pass the interfaces of this network namespace, until standard input ends.

Prints "ready", and at the end a JSON list: for each pair of addresses, how many packets carried data, and in how many of them
a message could be read.
"""

import json
import select
import socket
import struct
import sys

ALL_PROTOCOLS = 3
IPV4 = 0x0800
TCP = 6
OUTGOING = 4
# The beginning of HTTP messages, and what the services of the shop answer.
READABLE = (b" HTTP/1.", b"HTTP/1.1 ", b"\"service\":")

wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL_PROTOCOLS))
wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
flows = {}


def payload(packet):
    ip_length = (packet[0] & 0xF) * 4
    total_length = struct.unpack("!H", packet[2:4])[0]
    if packet[9] != TCP or len(packet) < ip_length + 20:
        return b""
    return packet[ip_length + (packet[ip_length + 12] >> 4) * 4 : total_length]


def watch(packet):
    data = payload(packet)
    if not data:
        return
    pair = (socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20]))
    flow = flows.setdefault(pair, {"from": pair[0], "to": pair[1], "packets": 0, "readable": 0})
    flow["packets"] += 1
    flow["readable"] += any(word in data for word in READABLE)


print("ready", flush=True)
while True:
    ready, _, _ = select.select([wire, sys.stdin], [], [])
    if wire in ready:
        packet, (_, protocol, kind, *_rest) = wire.recvfrom(1 << 16)
        if protocol == IPV4 and kind != OUTGOING:
            watch(packet)
    elif not sys.stdin.buffer.read1(1):
        break
print(json.dumps(list(flows.values())), flush=True)
