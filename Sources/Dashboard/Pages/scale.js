/** The SCALE encodings that the page reads and writes: docs/protocol.md of the project. */

import { blake2b256 } from "./blake2b.js";

export const signatureLength = 1280;
const maximumEntries = 1000;

/** What is wrong with bytes from the node. */
export class DecodingError extends Error {}

/** The bytes of "0x...". */
export function bytesOf(hex) {
  if (typeof hex !== "string" || !/^0x([0-9a-f]{2})*$/i.test(hex)) {
    throw new DecodingError("no hexadecimal digits");
  }
  const bytes = new Uint8Array(hex.length / 2 - 1);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = parseInt(hex.slice(2 * index + 2, 2 * index + 4), 16);
  }
  return bytes;
}

export function hexOf(bytes) {
  let text = "0x";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** A compact integer below 2^30, in its shortest form. */
function compact(value) {
  if (value < 1 << 6) return [value << 2];
  const width = value < 1 << 14 ? 2 : 4;
  const word = value * 4 + (width === 2 ? 1 : 2);
  return Array.from({ length: width }, (_, index) => Math.floor(word / 256 ** index) & 0xff);
}

function joined(parts) {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    result.set(part, offset);
    offset += part.length;
  }
  return result;
}

/** The hash of a block, from its header as chain_getHeader gives it. */
export function headerHash(header) {
  const logs = header.digest.logs.map(bytesOf);
  return hexOf(blake2b256(joined([
    bytesOf(header.parentHash), compact(parseInt(header.number, 16)), bytesOf(header.stateRoot),
    bytesOf(header.extrinsicsRoot), compact(logs.length), ...logs,
  ])));
}

/** The hash of a validator set, from the result of coherence_validators. */
export function validatorSetHash(set) {
  const id = new Uint8Array(8);
  new DataView(id.buffer).setBigUint64(0, BigInt(set.setId), true);
  const members = set.validators.flatMap((validator) => [
    bytesOf(validator.accountId), bytesOf(validator.falconPublicKey),
  ]);
  const policy = ["twoThirds", "moreThanTwoThirds"].indexOf(set.supermajority);
  return hexOf(blake2b256(joined([id, compact(set.validators.length), ...members, [policy]])));
}

/** Reads fields one after the other, and notes where each was. */
class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.offset = 0;
    this.fields = [];
  }

  take(count) {
    if (count > this.bytes.length - this.offset) {
      throw new DecodingError(`${count} bytes wanted at ${this.offset} of ${this.bytes.length}`);
    }
    this.offset += count;
    return this.offset - count;
  }

  u8() { return this.view.getUint8(this.take(1)); }
  u16() { return this.view.getUint16(this.take(2), true); }
  u32() { return this.view.getUint32(this.take(4), true); }
  u64() { return this.view.getBigUint64(this.take(8), true); }
  raw(count) {
    const start = this.take(count);
    return this.bytes.subarray(start, start + count);
  }

  /** A compact integer below 2^30. */
  count() {
    const first = this.u8();
    switch (first & 3) {
      case 0: return first >> 2;
      case 1: return this.long((first >> 2) + this.u8() * 64, 1 << 6);
      case 2: return this.long((first >> 2) + this.u8() * 64 + this.u16() * 16384, 1 << 14);
      default: throw new DecodingError("a count of 2^30 or more");
    }
  }

  long(value, least) {
    if (value < least) throw new DecodingError("a count that is not in its shortest form");
    return value;
  }

  /** Reads a field and notes its name, place and value. */
  field(name, read, show = String) {
    const start = this.offset;
    const value = read();
    this.fields.push({ name, offset: start, length: this.offset - start, text: show(value) });
    return value;
  }
}

function entry(reader) {
  const offset = reader.offset;
  const index = reader.u16();
  const score = reader.u64();
  const state = {
    validProofs: reader.u32(), rejectedProofs: reader.u32(), averageQber: reader.u32(),
    entropyPoolHash: hexOf(reader.raw(32)), reporterCount: reader.u32(),
    minQber: reader.u32(), maxQber: reader.u32(),
  };
  const signature = reader.raw(signatureLength);
  if (signature[0] !== 0x3a) throw new DecodingError("a signature does not begin with 3a");
  return { offset, index, score: Number(score), state, signature: hexOf(signature) };
}

/**
 * A FinalityCertificate, strictly: the fields, their places, and the precommits.
 *
 * Signatures are not verified. Throws a DecodingError.
 */
export function decodeCertificate(hex) {
  const bytes = bytesOf(hex);
  const reader = new Reader(bytes);
  const version = reader.field("version", () => reader.u8());
  if (version !== 1) throw new DecodingError(`version ${version}`);
  const setId = reader.field("set_id", () => reader.u64());
  const setHash = reader.field("set_hash", () => hexOf(reader.raw(32)));
  const round = reader.field("round", () => reader.u64());
  const blockHash = reader.field("block_hash", () => hexOf(reader.raw(32)));
  const blockNumber = reader.field("block_number", () => reader.u32());
  const names = ["twoThirds", "moreThanTwoThirds"];
  const policy = reader.field(
    "supermajority", () => reader.u8(), (value) => `${value}: ${names[value] ?? "unknown"}`);
  if (policy > 1) throw new DecodingError(`supermajority ${policy}`);
  const count = reader.field("precommits", () => reader.count(), (value) => `${value} follow`);
  if (count > maximumEntries) throw new DecodingError(`${count} precommits`);
  const entries = [];
  for (let place = 0; place < count; place++) {
    const next = entry(reader);
    if (place > 0 && next.index <= entries[place - 1].index) {
      throw new DecodingError("the validators' indices do not increase");
    }
    entries.push(next);
  }
  if (reader.offset !== bytes.length) throw new DecodingError("bytes are left over");
  return {
    setId: Number(setId), setHash, round: Number(round), blockHash, blockNumber, policy, entries,
    fields: reader.fields, byteCount: bytes.length,
  };
}
