// What the page was published with: whom to trust, and the signed list of what was taken back.

import { NotValid, readClaims, readCose, toHex, unpack } from "./container.js";
import { checkSignature, checkSignerTime } from "./verifying.js";

const [PREFIX, MOST, LIST, ISSUED] = ["LR1:", 16 * 1024 * 1024, -65760, 6];
const [HASH_BYTES, KID_BYTES] = [16, 8];

/**
 * @param {{made_at: number, trust: {signers: object[]}, revoked: string}} published seconds, the trust document of
 *   lims/results/certificates/publishing.py, and the text of the signed list ("" where there is none)
 * @returns {Promise<{signers: object[], revoked: {certificates: Set, kids: Set}, madeAt: number, damaged: boolean}>}
 *   damaged: the list of revocations is not signed by any of the signers, so that nothing can be trusted
 */
export async function readPublished({ made_at: madeAt, trust, revoked }) {
  const signers = trust.signers.map(({ not_before: from, not_after: until, ...signer }) => ({
    ...signer,
    from: Date.parse(from) / 1000,
    until: Date.parse(until) / 1000,
  }));
  const none = { certificates: new Set(), kids: new Set() };
  if (!revoked) return { signers, revoked: none, madeAt, damaged: false };
  try {
    const signed = readCose(await unpack(revoked, { prefix: PREFIX, most: MOST }));
    const signer = await checkSignature(signed, signers);
    const claims = readClaims(signed.payload);
    const [content, signedAt] = [claims.get(LIST), claims.get(ISSUED)];
    if (!(content instanceof Map) || !Number.isSafeInteger(signedAt)) throw new NotValid("structure");
    const list = { certificates: cut(content.get("c"), HASH_BYTES), kids: cut(content.get("k"), KID_BYTES) };
    checkSignerTime(signer, signedAt);
    if (list.kids.has(signed.kid)) throw new NotValid("signer_revoked");
    return { signers, revoked: list, madeAt: signedAt, damaged: false };
  } catch (error) {
    if (!(error instanceof NotValid)) throw error;
    return { signers: [], revoked: none, madeAt, damaged: true };
  }
}

function cut(joined, size) {
  if (!(joined instanceof Uint8Array) || joined.length % size) throw new NotValid("structure");
  const parts = Array.from({ length: joined.length / size }, (_, at) => joined.subarray(at * size, (at + 1) * size));
  return new Set(parts.map(toHex));
}
