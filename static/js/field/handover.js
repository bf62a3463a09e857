// Scans without any network: an encrypted file that another phone or a desk takes to the server (docs/field.md).
// The scans stay on this phone as well, until the server has answered for them: the same twice changes nothing.

import { fold } from "./names.js";
import { seal } from "./keys.js";

/**
 * The file of all scans that were not sent.
 * @param {object} device {id, server_key, team, day}
 * @param {object[]} unsent records
 * @param {string} madeAt ISO 8601
 * @param {number} number of the file on this phone
 * @returns {Promise<File>}
 */
export async function makeFile(device, unsent, madeAt, number) {
  const slips = unsent.map(({ id, text, signature }) => ({ id, text, signature }));
  const content = await seal(device.server_key, { device: device.id, made_at: madeAt, slips });
  return new File([JSON.stringify(content)], nameOf(device, number), { type: "application/json" });
}

/** Hand the file to the phone's own ways of sharing where there are any, otherwise save it. */
export async function give(file) {
  if (navigator.canShare?.({ files: [file] })) {
    try {
      await navigator.share({ files: [file] });
      return;
    } catch (problem) {
      if (problem.name === "AbortError") return;
    }
  }
  save(file);
}

function nameOf({ team, day }, number) {
  const plain = fold(team)
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  return `lims-${plain || "team"}-${day}-${number}.json`;
}

function save(file) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
