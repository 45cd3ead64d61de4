/**
 * bcrypt, to check passwords of htpasswd files: N. Provos and D. Mazières, "A Future-Adaptable Password Scheme" (1999); Blowfish: B. Schneier
 * (1993). Node's crypto has neither. Blowfish's tables are the digits of pi, so they are computed.
 */

/** Subkeys, then four boxes of 256. */
const subkeys = 18
const words = subkeys + 4 * 256

const alphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const magic = 'OrpheanBeholderScryDoubt'

/** How much is done before others get their turn: some milliseconds. */
const roundsPerTurn = 16

/** A hash as htpasswd -B writes it: `$2y$<cost>$<salt><checksum>`. */
const hashPattern = /^\$2[aby]\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$/

/** Whether text is a bcrypt hash that can be checked: of cost 4 to 17, so that a wrong line in a file does not stop the process for hours. */
export function isBcryptHash(text: string): boolean {
  const cost = Number(hashPattern.exec(text)?.[1])
  return cost >= 4 && cost <= 17
}

/**
 * The checksum of a password by the salt and cost of a hash. Compare it in constant time. Some tens of milliseconds of work at cost 10, doubled
 * with each; others get their turn meanwhile.
 */
export async function bcrypt(password: string, hash: string): Promise<string> {
  const [, cost = '', salt = ''] = hashPattern.exec(hash) ?? []
  // The terminating zero counts, and what is beyond 72 bytes does not.
  const key = keyWords(Buffer.concat([Buffer.from(password, 'utf8'), Buffer.of(0)]).subarray(0, 72))
  const saltBytes = decode(salt)
  const saltKey = keyWords(saltBytes)
  const state = piDigits().slice()
  const seed = [0, 1, 2, 3].map(index => saltBytes.readUInt32BE(index * 4))
  expand(state, key, seed)
  const rounds = 2 ** Number(cost)
  for (let round = 0; round < rounds; round++) {
    expand(state, key, noSeed)
    expand(state, saltKey, noSeed)
    if (round % roundsPerTurn === roundsPerTurn - 1) await new Promise(resolve => setImmediate(resolve))
  }
  return hash.slice(0, -31) + encode(encryptMagic(state))
}

const noSeed = [0, 0, 0, 0]

/** The key's bytes as 18 words, from the beginning again where it ends. */
function keyWords(key: Buffer): Int32Array {
  const result = new Int32Array(subkeys)
  for (let index = 0, at = 0; index < subkeys; index++) {
    let word = 0
    for (let byte = 0; byte < 4; byte++, at++) word = (word << 8) | (key[at % key.length] ?? 0)
    result[index] = word
  }
  return result
}

/** Change all tables by a key and, in turn, the two halves of a salt. */
function expand(state: Int32Array, key: Int32Array, seed: readonly number[]): void {
  for (let index = 0; index < subkeys; index++) state[index] = at(state, index) ^ at(key, index)
  const block = new Int32Array(2)
  for (let index = 0; index < words; index += 2) {
    block[0] = at(block, 0) ^ (seed[index & 2] ?? 0)
    block[1] = at(block, 1) ^ (seed[(index & 2) + 1] ?? 0)
    encipher(state, block)
    state[index] = at(block, 0)
    state[index + 1] = at(block, 1)
  }
}

function encipher(state: Int32Array, block: Int32Array): void {
  let left = at(block, 0) ^ at(state, 0)
  let right = at(block, 1)
  for (let round = 1; round <= 16; round += 2) {
    right ^= mix(state, left) ^ at(state, round)
    left ^= mix(state, right) ^ at(state, round + 1)
  }
  block[0] = right ^ at(state, 17)
  block[1] = left
}

function mix(state: Int32Array, word: number): number {
  const first = at(state, subkeys + (word >>> 24)) + at(state, subkeys + 256 + ((word >>> 16) & 255))
  return ((first ^ at(state, subkeys + 512 + ((word >>> 8) & 255))) + at(state, subkeys + 768 + (word & 255))) | 0
}

function encryptMagic(state: Int32Array): Buffer {
  const text = Buffer.from(magic, 'latin1')
  for (let pair = 0; pair < 3; pair++) {
    const block = Int32Array.of(text.readInt32BE(pair * 8), text.readInt32BE(pair * 8 + 4))
    for (let times = 0; times < 64; times++) encipher(state, block)
    text.writeInt32BE(at(block, 0), pair * 8)
    text.writeInt32BE(at(block, 1), pair * 8 + 4)
  }
  // The last byte is left out, as it always was.
  return text.subarray(0, 23)
}

/** An index is within the tables by how it is made; the compiler cannot see it. */
function at(table: Int32Array, index: number): number {
  return table[index] as number
}

let tables: Int32Array | undefined

/** The fractional part of pi, 32 bits a word: Machin's formula, 4 (4 arctan 1/5 - arctan 1/239). */
function piDigits(): Int32Array {
  if (tables !== undefined) return tables
  const spare = 64n
  const bits = BigInt(words * 32) + spare
  const pi = 4n * (4n * arctanOfInverse(5n, bits) - arctanOfInverse(239n, bits))
  const hex = ((pi & ((1n << bits) - 1n)) >> spare).toString(16).padStart(words * 8, '0')
  tables = Int32Array.from({ length: words }, (_value, index) => Number.parseInt(hex.slice(index * 8, index * 8 + 8), 16) | 0)
  return tables
}

function arctanOfInverse(inverse: bigint, bits: bigint): bigint {
  const square = inverse * inverse
  let power = (1n << bits) / inverse
  let sum = power
  for (let divisor = 3n, sign = -1n; power !== 0n; divisor += 2n, sign = -sign) {
    power /= square
    sum += (sign * power) / divisor
  }
  return sum
}

/** bcrypt's own order of the base64 alphabet, without padding. */
function decode(text: string): Buffer {
  const bits = [...text].map(character => alphabet.indexOf(character).toString(2).padStart(6, '0')).join('')
  return Buffer.from(
    Array.from({ length: Math.floor(bits.length / 8) }, (_value, index) => Number.parseInt(bits.slice(index * 8, index * 8 + 8), 2))
  )
}

function encode(bytes: Buffer): string {
  const bits = [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,6}/g) ?? []).map(part => alphabet[Number.parseInt(part.padEnd(6, '0'), 2)]).join('')
}
