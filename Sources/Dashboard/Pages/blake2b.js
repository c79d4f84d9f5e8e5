/**
 * BLAKE2b with 32 bytes of output and no key (RFC 7693), the hash of the chain.
 *
 * A 64-bit word is two 32-bit ones, the lower first.
 */

const IV = Uint32Array.of(
  0xf3bcc908, 0x6a09e667, 0x84caa73b, 0xbb67ae85, 0xfe94f82b, 0x3c6ef372, 0x5f1d36f1, 0xa54ff53a,
  0xade682d1, 0x510e527f, 0x2b3e6c1f, 0x9b05688c, 0xfb41bd6b, 0x1f83d9ab, 0x137e2179, 0x5be0cd19,
);

/** The order of the message's words in each round; rounds 10 and 11 are 0 and 1 again. */
const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

/** Which words of the state the eight mixings of a round take: columns, then diagonals. */
const MIXINGS = [
  [0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15],
  [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14],
];

const state = new Uint32Array(32);
const message = new Uint32Array(32);

/** state[a] += state[b] + message[x], where -1 is no message. */
function add(a, b, x) {
  let low = state[a] + state[b];
  let high = state[a + 1] + state[b + 1];
  if (x >= 0) {
    low += message[x];
    high += message[x + 1];
  }
  state[a] = low;
  state[a + 1] = high + Math.floor(low / 0x1_0000_0000);
}

/** state[a] = (state[a] xor state[b]) rotated right by count bits, 1 to 31 or 32 or 63. */
function turn(a, b, count) {
  const low = state[a] ^ state[b];
  const high = state[a + 1] ^ state[b + 1];
  if (count === 32) {
    state[a] = high;
    state[a + 1] = low;
  } else if (count === 63) {
    state[a] = (low << 1) | (high >>> 31);
    state[a + 1] = (high << 1) | (low >>> 31);
  } else {
    state[a] = (low >>> count) | (high << (32 - count));
    state[a + 1] = (high >>> count) | (low << (32 - count));
  }
}

function compress(h, counter, isLast) {
  state.set(h);
  state.set(IV, 16);
  state[24] ^= counter;
  state[25] ^= Math.floor(counter / 0x1_0000_0000);
  if (isLast) {
    state[28] = ~state[28];
    state[29] = ~state[29];
  }
  for (let round = 0; round < 12; round++) {
    const order = SIGMA[round % 10];
    for (let index = 0; index < 8; index++) {
      const [a, b, c, d] = MIXINGS[index].map((word) => 2 * word);
      add(a, b, 2 * order[2 * index]);
      turn(d, a, 32);
      add(c, d, -1);
      turn(b, c, 24);
      add(a, b, 2 * order[2 * index + 1]);
      turn(d, a, 16);
      add(c, d, -1);
      turn(b, c, 63);
    }
  }
  for (let index = 0; index < 16; index++) h[index] ^= state[index] ^ state[index + 16];
}

/** The hash of a Uint8Array, 32 bytes. */
export function blake2b256(bytes) {
  const h = IV.slice();
  h[0] ^= 0x0101_0020;
  const block = new Uint8Array(128);
  const words = new DataView(block.buffer);
  let offset = 0;
  do {
    const end = Math.min(offset + 128, bytes.length);
    block.fill(0);
    block.set(bytes.subarray(offset, end));
    for (let index = 0; index < 32; index++) message[index] = words.getUint32(4 * index, true);
    offset += 128;
    compress(h, end, offset >= bytes.length);
  } while (offset < bytes.length);
  const result = new DataView(new ArrayBuffer(32));
  for (let index = 0; index < 8; index++) result.setUint32(4 * index, h[index], true);
  return new Uint8Array(result.buffer);
}
