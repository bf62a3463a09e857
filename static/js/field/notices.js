// What must be known before the next scan, above everything else: each a sentence, some with a button.

import { say } from "../messages.js";
import { find, icon, make } from "./elements.js";
import { syncWords } from "./view_lists.js";

let renewed = false;
let spoken = "";

/** A newer version of the app has taken over. */
export function noticeNewVersion() {
  renewed = true;
}

/** Draw the notices that hold now. */
export function drawNotices(phone) {
  const found = noticesOf(phone);
  const all = JSON.stringify(found);
  if (all === spoken) return; // drawing the same again would be read out again
  spoken = all;
  find("[data-notices]").replaceChildren(...found.map(draw));
}

function noticesOf(phone) {
  const notices = [];
  if (renewed) notices.push(["info-circle", say("A new version of this app is ready."), "reload"]);
  if (phone.isExpired) {
    notices.push([
      "x-octagon-fill",
      say("The enrolment of this phone has ended. Ask the coordinator for a new one. What was scanned is still sent."),
    ]);
  }
  if (phone.sync?.status.state === "refused") notices.push(["x-octagon-fill", syncWords(phone.sync.status)]);
  if (phone.clock.wrongBy) {
    notices.push([
      "clock",
      say(
        "The clock of this phone is wrong by %(minutes)s minutes. Set it right. The times of the scans are corrected.",
        { minutes: phone.clock.wrongBy },
      ),
    ]);
  }
  return [...notices, ...rosterNotices(phone)];
}

function rosterNotices({ packet, device, collecting, today, practice }) {
  if (!collecting.session || practice) return [];
  if (!packet.made) return [["person-vcard", say("No roster on this phone yet: people are shown by their codes.")]];
  if (device.day !== today) return [["calendar3", say("The roster is of another day. Fetch it anew under “More”.")]];
  return packet.made.people_left_out
    ? [["person-vcard", say("The roster is too long for a phone: some people are shown by their codes.")]]
    : [];
}

function draw([sign, words, action]) {
  const notice = make("p", { className: "notice" }, icon(sign), make("span", {}, words));
  if (action === "reload") {
    const button = make("button", { type: "button", className: "btn btn-secondary btn-sm" }, say("Use it now"));
    button.addEventListener("click", () => location.reload());
    notice.append(button);
  }
  return notice;
}
