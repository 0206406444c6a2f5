// Our proofs, checkpoints and statements in @sigstore/verify's terms. Knows nothing of Charter.
"use strict";
const crypto = require("node:crypto");
const fs = require("node:fs");
const { bundleFromJSON, ValidationError } = require("@sigstore/bundle");
const { toSignedEntity, toTrustMaterial, VerificationError, Verifier } = require("@sigstore/verify");
const { verifyCheckpoint } = require("@sigstore/verify/dist/tlog/checkpoint");
const { verifyMerkleInclusion } = require("@sigstore/verify/dist/tlog/merkle");

// SubjectPublicKeyInfo of Ed25519 (RFC 8410), up to the key's 32 bytes.
const SPKI = Buffer.from("302a300506032b6570032100", "hex");
const raw = (text) => Buffer.from(text, "base64");

function inclusion(given) {
  const entry = {
    canonicalizedBody: raw(given.leaf),
    inclusionProof: { logIndex: String(given.index), hashes: given.hashes.map(raw) },
  };
  verifyMerkleInclusion(entry, { logSize: BigInt(given.size), logHash: raw(given.root) });
}

function vkey(text) {
  const [name, id, ...key] = text.split("+");
  return { name, id, spki: Buffer.concat([SPKI, raw(key.join("+")).subarray(1)]) };
}

function checkpoint(given) {
  const { name, id, spki } = vkey(given.vkey);
  const publicKey = crypto.createPublicKey({ key: spki, format: "der", type: "spki" });
  const log = { baseURL: `https://${name}`, logID: Buffer.from(id, "hex"), publicKey };
  verifyCheckpoint({ inclusionProof: { checkpoint: { envelope: given.note } } }, [log]);
}

// The public interface, as for a bundle that is signed by a key known beforehand and is in no log of sigstore's.
function envelope(given) {
  const { id, spki } = vkey(given.vkey);
  const bundle = bundleFromJSON({
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: { publicKey: { hint: id }, tlogEntries: [] },
    dsseEnvelope: JSON.parse(given.envelope),
  });
  const nobody = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
  const trusted = toTrustMaterial(nobody, { [id]: { rawBytes: spki } });
  new Verifier(trusted, { tlogThreshold: 0, timestampThreshold: 0, ctlogThreshold: 0 }).verify(toSignedEntity(bundle));
}

function verdict(given) {
  try {
    ({ inclusion, checkpoint, envelope })[given.kind](given);
    return null;
  } catch (refusal) {
    if (refusal instanceof VerificationError || refusal instanceof ValidationError) {
      return `${refusal.name}: ${refusal.message}`;
    }
    throw refusal;
  }
}

process.stdout.write(JSON.stringify(JSON.parse(fs.readFileSync(0, "utf8")).map(verdict)));
