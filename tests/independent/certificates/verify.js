// Reads requests, one JSON document a line, from the standard input; prints one line of JSON for each.
//
//   {"verify": "HC1:…", "pem": "…"}                        → {"dccUtils": {"valid", "tr", "kid" or "why"}, "dccSdk": {…}}
//   {"sign": health certificate, "pem": "…", "key": "…"}   → {"text": "HC1:…"}, made by dcc-sdk
//
// dcc-utils is to be required before dcc-sdk, whose loader otherwise fails on node 20. dcc-sdk looks for signers on the
// network before it takes the one that it was given: it finds none.
const { DCC } = require("dcc-utils");
const sdk = require("@pathcheck/dcc-sdk");

require("https").request = () => {
  throw new Error("no network");
};
const say = console.log;
console.log = console.error; // dcc-sdk tells what it does

const refused = (error) => ({ valid: false, why: String((error && error.message) || error) });

async function byDccUtils(text, pem) {
  try {
    const read = await DCC.fromRaw(text);
    const valid = await read.checkSignatureWithCertificate(pem);
    return valid ? { valid: true, tr: read.payload.t[0].tr, kid: Buffer.from(read.kid, "base64").toString("hex") } : { valid: false, why: "" };
  } catch (error) {
    return refused(error);
  }
}

async function byDccSdk(text, pem) {
  try {
    const read = await sdk.verify(await sdk.unpack(text), pem);
    return read.status === "verified" ? { valid: true } : { valid: false, why: read.status };
  } catch (error) {
    return refused(error);
  }
}

async function answer(request) {
  if (request.sign) {
    const claims = await sdk.makeCWT(request.sign, 1, "VN"); // good for a month
    return { text: await sdk.signAndPack(claims, request.pem, request.key) };
  }
  const { verify: text, pem } = request;
  return { dccUtils: await byDccUtils(text, pem), dccSdk: await byDccSdk(text, pem) };
}

(async () => {
  const lines = require("fs").readFileSync(0, "utf8").split("\n").filter(Boolean);
  for (const line of lines) {
    let said;
    try {
      said = await answer(JSON.parse(line));
    } catch (error) {
      said = { error: String((error && error.stack) || error) };
    }
    say(JSON.stringify(said));
  }
})();
