"""The first numbers of simulate::random::Stream::new(1, 2, 3), from a ChaCha with twelve rounds written out from its definition
(Bernstein 2008; 64-bit counter, 64-bit stream) and Marsaglia's polar method with Python's own logarithm.

    python3 stream.py > stream.json
"""

import json
import math
import platform
import struct


def quarter(s, a, b, c, d):
    for x, y, z, r in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & 0xFFFFFFFF
        s[z] ^= s[x]
        s[z] = ((s[z] << r) | (s[z] >> (32 - r))) & 0xFFFFFFFF


def block(key, counter, stream):
    start = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key)) + list(struct.unpack("<4I", struct.pack("<QQ", counter, stream)))
    s = start[:]
    for _ in range(6):
        for q in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(s, *q)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(s, start)))


def uniforms(seed, replicate, stream):
    key, counter = struct.pack("<QQQQ", seed, replicate, 0, 0), 0
    while True:
        for word in struct.unpack("<8Q", block(key, counter, stream)):
            yield (word >> 11) * 2.0**-53
        counter += 1


def normals(u):
    while True:
        x, y = 2 * next(u) - 1, 2 * next(u) - 1
        s = x * x + y * y
        if 0 < s < 1:
            scale = math.sqrt(-2 * math.log(s) / s)
            yield x * scale
            yield y * scale


u = uniforms(1, 2, 3)
first = next(u)
z = normals(u)
print(json.dumps({"engine": f"Python {platform.python_version()}", "uniform": first, "normals": [next(z) for _ in range(12)]}, indent=1))
