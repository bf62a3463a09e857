// The phone: whose it is, what it took along, what it keeps, and its talk with the server. No page; what a scan means is
// in collecting.js. Everything is taken up from the store where it was left, whenever the page begins anew.

import { newId } from "../api.js";
import { Clock } from "./clock.js";
import { Collecting } from "./collecting.js";
import { Journal, stored } from "./journal.js";
import { makeKeys } from "./keys.js";
import { Packet } from "./packet.js";
import { practiceDevice, practicePacket } from "./practice.js";
import { Server } from "./server.js";
import { Slips, lastCounters } from "./slips.js";
import { PRACTICE, REAL, Store } from "./store.js";
import { PACKET_EVERY_MS, Sync } from "./sync.js";

const KEPT = ["device", "packet", "session", "packing", "ended", "clock"];

export class Phone {
  /**
   * @param {object} how
   * @param {boolean} how.practice with a database of its own and without a server
   * @param {string} how.language "vi" or "en"
   * @param {string} how.app version
   * @param {string} how.label what this phone calls itself
   * @param {() => void} how.changed something is to be drawn again
   */
  constructor({ practice, language, app, label, changed }) {
    Object.assign(this, { practice, app, label, changed });
    this.clock = new Clock();
    this.server = new Server(this.clock, language);
    this.collecting = new Collecting(this);
    this.sync = null;
  }

  /** Open the database and take up everything where it was left. */
  async load() {
    this.store = await Store.open(this.practice ? PRACTICE : REAL);
    this.journal = new Journal(await this.store.readScans());
    const kept = await Promise.all(KEPT.map((name) => this.store.read(name)));
    const [device, packet, session, packing, ended, clock] = kept;
    this.clock.resume(clock ?? null, Math.max(0, ...this.records.map(({ slip }) => Date.parse(slip.at))));
    this.collecting.resume(session, packing);
    this.ended = ended ?? false;
    this.#takeAlong(packet ?? null);
    await this.#use(this.practice ? await this.#invent(device) : (device ?? null));
  }

  /** Begin to talk to the server; never in practice. */
  start() {
    if (this.practice) return;
    const parts = { server: this.server, store: this.store, journal: () => this.journal, app: this.app };
    this.sync = new Sync(parts, {
      changed: () => this.changed(),
      heard: (device) => this.#hear(device),
      answered: () => this.#keepClock(),
    });
    this.sync.start();
    this.refreshPacket();
    window.addEventListener("online", () => this.refreshPacket());
    setInterval(() => document.hidden || this.refreshPacket(), PACKET_EVERY_MS);
  }

  // ---- What is known ----

  /** All scans on this phone in their order. */
  get records() {
    return [...this.journal.records.values()];
  }

  /** yyyy-mm-dd where the campaign is. */
  get today() {
    return new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Ho_Chi_Minh" }).format(this.clock.now);
  }

  /**
   * Whether the enrolment's time is over: nothing more is scanned, what was scanned is still sent. A clock that was set
   * meanwhile decides nothing: it must not stop a team that is without network.
   */
  get isExpired() {
    const ends = Date.parse(this.device?.expires_at ?? "");
    return this.clock.offset !== null && this.clock.now > ends;
  }

  /** Whether a person or a tube can be scanned now. */
  get isReady() {
    return Boolean(this.device && this.collecting.session && !this.ended && !this.isExpired);
  }

  /** Who collects now: {badge, name}. */
  get collector() {
    const badge = this.collecting.session?.badge ?? this.device?.collector.badge;
    return { badge, name: this.packet.collectors.get(badge) ?? this.device?.collector.name ?? "" };
  }

  // ---- The enrolment ----

  /**
   * Enrol this phone. The keys are kept before they are sent: if the answer is lost, the same phone asks again.
   * @param {string} code of the coordinator's QR
   * @throws {import("./server.js").Refusal|import("./server.js").Silence}
   */
  async enrol(code) {
    const before = await this.store.read("pending");
    const pending = before?.code === code ? before : { code, ...(await makeKeys()) };
    await this.store.keep({ pending });
    const { pair, publicKey, token } = pending;
    const answer = await this.server.enrol({ code, public_key: publicKey, token, label: this.label });
    const { device: id, server_time: _, ...told } = answer;
    const device = { ...told, id, code, pair, token };
    await this.store.keep({ device, ended: false, clock: this.clock.kept });
    await this.#wipe(["pending", "packet", "session"]);
    this.collecting.session = null;
    this.ended = false;
    await this.#use(device);
    this.sync?.hurry({ byHand: true });
    await this.refreshPacket();
  }

  async #use(device) {
    this.device = device;
    if (!device) return;
    this.server.token = device.token;
    const counters = await lastCounters(this.store, this.records, device.id);
    this.slips = new Slips({ store: this.store, journal: this.journal, clock: this.clock, device, counters });
  }

  async #invent(kept) {
    const device = kept ?? { id: newId(), ...(await makeKeys()), ...practiceDevice(this.today) };
    if (!kept) await this.store.keep({ device });
    this.packet = new Packet(practicePacket(device.day));
    return device;
  }

  async #change(told) {
    this.device = { ...this.device, ...told };
    this.slips.device = this.device;
    await this.store.keep({ device: this.device });
  }

  // ---- The packet ----

  /** Fetch the packet if there is a newer one; without network the one at hand stays. */
  async refreshPacket() {
    if (this.practice || !this.device || this.ended || this.isExpired) return;
    try {
      const found = await this.server.fetchPacket(this.packetKept?.etag ?? "");
      // The shift may have ended while it was on its way.
      if (found && !this.ended) await this.#takePacket({ ...found, at: this.clock.now });
      this.packetProblem = null;
    } catch (problem) {
      this.packetProblem = problem;
    }
    this.changed();
  }

  async #takePacket(kept) {
    const { device, campaign } = kept.packet;
    await this.store.keep({ packet: kept });
    await this.#change({
      ...pick(device, ["day", "team", "expires_at", "site"]),
      campaign: campaign ?? this.device.campaign,
    });
    this.#takeAlong(kept);
  }

  #takeAlong(kept) {
    this.packetKept = kept;
    this.packet = new Packet(kept?.packet ?? null);
  }

  // ---- The server's word, the clock ----

  async #hear({ expires_at }) {
    if (expires_at && expires_at !== this.device.expires_at) await this.#change({ expires_at });
    this.changed();
  }

  #keepClock() {
    this.store.keep({ clock: this.clock.kept });
    this.changed();
  }

  /** Look whether the phone's clock was set meanwhile; measure anew if it was. */
  checkClock() {
    if (this.clock.check()) this.sync?.hurry();
    this.#forgetWhenExpired();
  }

  // A phone that nobody has ended a shift on must not keep the names of a site until it is enrolled again.
  async #forgetWhenExpired() {
    if (this.practice || !this.isExpired || !this.packetKept) return;
    await this.#wipe(["packet"]);
    this.changed();
  }

  /** A scan that the server did not take was looked at. */
  async check(id) {
    const record = this.journal.records.get(id);
    await this.store.keepScans([stored({ ...record, checked: true })], {});
    record.checked = true;
    this.changed();
  }

  // ---- The end of a shift ----

  /** Roster and answered scans leave the phone; what was not sent stays and is still sent. */
  async endShift() {
    if (this.collecting.session?.tube) await this.collecting.close(null);
    await this.store.keep({ ended: true });
    this.ended = true;
    await this.#wipe(["packet", "session", "packing"]);
    this.collecting.resume(null, null);
    this.changed();
  }

  async #wipe(names) {
    const gone = this.records.filter((record) => this.practice || record.state === "acked").map((record) => record.id);
    await this.store.wipe(gone, names);
    this.journal = Journal.without(this.journal, new Set(gone));
    if (this.slips) this.slips.journal = this.journal;
    this.#takeAlong(this.practice ? { packet: practicePacket(this.device.day) } : null);
  }
}

function pick(values, names) {
  return Object.fromEntries(names.filter((name) => values?.[name] !== undefined).map((name) => [name, values[name]]));
}
