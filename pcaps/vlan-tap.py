#!/usr/bin/python3
"""A VLAN interface made of a TAP device, for kernels without 802.1Q support.

  pcaps/vlan-tap.py TAP LINK TAG [TAG]

Creates the TAP interface TAP in the current network namespace and carries its frames over
the Ethernet interface LINK with the given tags: one TAG is 802.1Q (VLAN), two are 802.1ad
outside 802.1Q (QinQ, service tag first). Runs until it is killed; TAP goes with it.
Example: pcaps/vlan-tap.py wire.30 wire 30
"""

import argparse
import errno
import fcntl
import os
import select
import socket
import struct
import sys

TUNSETIFF = 0x400454CA  # linux/if_tun.h
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
ETH_P_ALL = 0x0003  # linux/if_ether.h
SOL_PACKET, PACKET_AUXDATA = 263, 8
TP_STATUS_VLAN_VALID = 1 << 4  # linux/if_packet.h
AUXDATA = struct.Struct("IIIHHHH")  # struct tpacket_auxdata
C_TAG, S_TAG = 0x8100, 0x88A8
MAX_FRAME = 65536


def open_tap(name):
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def receive(link):
    """One frame from the packet socket, with the tag the kernel took out put back; b"" if it is our own."""
    frame, extra, _, address = link.recvmsg(MAX_FRAME, socket.CMSG_SPACE(AUXDATA.size))
    if address[2] == socket.PACKET_OUTGOING:
        return b""
    for level, kind, data in extra:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = AUXDATA.unpack(data[: AUXDATA.size])
            if status & TP_STATUS_VLAN_VALID:
                return frame[:12] + struct.pack(">HH", tpid, tci) + frame[12:]
    return frame


def deliver(tap, frame):
    """Hand a frame to the TAP; as any interface does, it loses what comes while it is down."""
    try:
        os.write(tap, frame)
    except OSError as e:
        if e.errno != errno.EIO:
            raise


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tap", metavar="TAP")
    parser.add_argument("link", metavar="LINK")
    parser.add_argument("tag", metavar="TAG", type=int, nargs="+", choices=range(1, 4095))
    args = parser.parse_args()
    if len(args.tag) > 2:
        parser.error("at most two tags")
    types = (S_TAG, C_TAG)[-len(args.tag) :]
    tags = b"".join(struct.pack(">HH", kind, tag) for kind, tag in zip(types, args.tag))

    tap = open_tap(args.tap)
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    link.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    link.bind((args.link, ETH_P_ALL))
    inner = 12 + len(tags)
    while True:
        for ready in select.select((tap, link), (), ())[0]:
            if ready == tap:
                frame = os.read(tap, MAX_FRAME)
                link.send(frame[:12] + tags + frame[12:])
                continue
            frame = receive(link)
            if frame[12:inner] == tags and int.from_bytes(frame[inner : inner + 2], "big") not in (
                C_TAG,
                S_TAG,
            ):
                deliver(tap, frame[:12] + frame[inner:])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as e:
        sys.exit(f"vlan-tap: {' '.join(sys.argv[1:])}: {e.strerror}")
    except KeyboardInterrupt:
        sys.exit(0)
