// CBOR (RFC 8949): enough to read certificates of any country. Maps become Map, tags of times Date, other tags Tag. Pure.

const DEEPEST = 32;
const BREAK = Symbol("break");
const SIMPLE = new Map([[20, false], [21, true], [22, null], [23, undefined]]);

export class Tag {
  constructor(number, value) {
    Object.assign(this, { number, value });
  }
}

/**
 * The first value in some bytes.
 * @param {Uint8Array} bytes
 * @throws {RangeError} they are no CBOR, or nested deeper than 32
 */
export function decodeCbor(bytes) {
  const value = new Reader(bytes).read(0);
  if (value === BREAK) throw new RangeError("a break outside");
  return value;
}

/** The bytes of a Sig_structure (RFC 9052, section 4.4) of a COSE_Sign1 without external data. */
export function signedBytes(protectedHeader, payload) {
  const context = new TextEncoder().encode("Signature1");
  return join([[0x84], head(3, context.length), context, ...byteString(protectedHeader), [0x40], ...byteString(payload)]);
}

function byteString(bytes) {
  return [head(2, bytes.length), bytes];
}

function head(major, length) {
  if (length < 24) return [(major << 5) | length];
  if (length < 0x100) return [(major << 5) | 24, length];
  if (length < 0x10000) return [(major << 5) | 25, length >> 8, length & 0xff];
  return [(major << 5) | 26, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff];
}

function join(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  read(depth) {
    if (depth > DEEPEST) throw new RangeError("too deep");
    const first = this.take(1)[0];
    const [major, rest] = [first >> 5, first & 31];
    if (major === 7) return this.simple(rest);
    const length = rest === 31 ? null : this.number(rest);
    if (length === null && [0, 1, 6].includes(major)) throw new RangeError("no length");
    switch (major) {
      case 0:
        return length;
      case 1:
        return typeof length === "bigint" ? -1n - length : -1 - length;
      case 2:
        return length === null ? this.pieces(2) : this.take(length).slice();
      case 3:
        return decodeText(length === null ? this.pieces(3) : this.take(length));
      case 4:
        return [...this.items(length, depth)];
      case 5:
        return this.map(length, depth);
      default:
        return tagged(length, this.inside(depth));
    }
  }

  inside(depth) {
    const value = this.read(depth + 1);
    if (value === BREAK) throw new RangeError("a break outside");
    return value;
  }

  *items(length, depth) {
    for (let count = 0; length === null || count < length; count += 1) {
      const value = this.read(depth + 1);
      if (value === BREAK) {
        if (length !== null) throw new RangeError("a break inside");
        return;
      }
      yield value;
    }
  }

  map(length, depth) {
    const values = [...this.items(length === null ? null : length * 2, depth)];
    if (values.length % 2) throw new RangeError("half a pair");
    const map = new Map();
    for (let at = 0; at < values.length; at += 2) {
      if (map.has(values[at])) throw new RangeError("a key twice");
      map.set(values[at], values[at + 1]);
    }
    return map;
  }

  pieces(major) {
    const found = [];
    for (let first = this.take(1)[0]; first !== 0xff; first = this.take(1)[0]) {
      if (first >> 5 !== major || (first & 31) === 31) throw new RangeError("a piece of another kind");
      found.push(this.take(this.number(first & 31)));
    }
    return join(found);
  }

  number(rest) {
    if (rest < 24) return rest;
    if (rest > 27) throw new RangeError("reserved");
    const size = 2 ** (rest - 24);
    const at = this.at;
    this.take(size);
    if (size === 8) {
      const big = this.view.getBigUint64(at);
      return big <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(big) : big;
    }
    return { 1: () => this.view.getUint8(at), 2: () => this.view.getUint16(at), 4: () => this.view.getUint32(at) }[size]();
  }

  simple(rest) {
    if (rest === 31) return BREAK;
    if (SIMPLE.has(rest)) return SIMPLE.get(rest);
    const at = this.at;
    if (rest === 25) return halfFloat(this.number(25));
    if (rest === 26 || rest === 27) {
      this.take(rest === 26 ? 4 : 8);
      return rest === 26 ? this.view.getFloat32(at) : this.view.getFloat64(at);
    }
    if (rest > 24) throw new RangeError("reserved");
    return new Tag("simple", rest === 24 ? this.number(24) : rest);
  }

  take(size) {
    if (typeof size !== "number" || this.at + size > this.bytes.length) throw new RangeError("cut off");
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }
}

function tagged(number, value) {
  if (number === 0 || number === 1) {
    if (typeof value !== (number ? "number" : "string")) throw new RangeError("no time");
    const moment = new Date(number ? value * 1000 : value);
    if (Number.isNaN(moment.getTime())) throw new RangeError("no time");
    return moment;
  }
  return new Tag(number, value);
}

function decodeText(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new RangeError("no text");
  }
}

function halfFloat(bits) {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}
