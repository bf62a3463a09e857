// Somebody by name: the roster answers while one types; who is not in it is declared on the spot. Enter goes on.

import { CodeError } from "../codes.js";
import { say, translate } from "../messages.js";
import { find, findAll, icon, make, showWords } from "./elements.js";
import { isTelephone } from "./telephones.js";
import { called } from "./wording.js";

export class PersonView {
  constructor(app) {
    this.app = app;
    this.form = find("[data-person]");
    this.fields = this.form.elements;
    this.fields.name.addEventListener("input", () => this.#suggest());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#declare();
    });
  }

  /** The view was opened: the name has the focus. */
  open() {
    const before = this.#householdBefore();
    find("[data-same-household]").hidden = !before;
    find("[data-household-of]").textContent = before ? called(before) : "";
    this.fields.name.focus();
    this.#suggest();
  }

  draw() {}

  #suggest() {
    const found = this.app.phone.packet.search(this.fields.name.value);
    find("[data-found]").replaceChildren(...found.map((person) => this.#button(person)));
  }

  #button(person) {
    const sampled = person.status !== "open" || this.app.phone.journal.sampled(person);
    const note = sampled ? [make("span", { className: "state look" }, say("Sampled already"))] : [];
    const button = make(
      "button",
      { type: "button", className: "btn btn-secondary" },
      icon("person"),
      make("span", {}, called(person)),
      ...note,
    );
    button.addEventListener("click", () => this.#done(this.app.phone.collecting.takePerson(person)));
    return button;
  }

  async #declare() {
    const problem = this.#missing();
    if (problem) return this.#tell(...problem);
    try {
      const done = this.app.phone.collecting.declare(this.#read());
      return await this.#done(done);
    } catch (refusal) {
      if (!(refusal instanceof CodeError)) throw refusal;
      return this.#tell(refusal.sentence(translate), this.fields[refusal.field]);
    }
  }

  #missing() {
    const { name, birth_date, consent, phone } = this.fields;
    if (!name.value.trim()) return [say("The name is missing. Write the full name."), name];
    if (!birth_date.value.trim())
      return [say("The birth date is missing. Write day/month/year, or only the year."), birth_date];
    if (!isTelephone(phone.value)) {
      return [
        say("“%(text)s” is not a telephone number. Write 10 digits, for example 0912 345 678.", { text: phone.value }),
        phone,
      ];
    }
    if (!consent.checked)
      return [say("Nobody is tested without having agreed. Ask the person, then tick the consent."), consent];
    return null;
  }

  #read() {
    const { name, birth_date, sex, phone, household, is_contact } = this.fields;
    return {
      name: name.value,
      birth_date: birth_date.value,
      sex: sex.value,
      phone: phone.value.trim(),
      household: household.checked ? this.#householdBefore().household : "",
      symptoms: findAll("[name=symptoms]:checked", this.form).map((box) => box.value),
      is_contact: is_contact.checked,
    };
  }

  // What was typed stays until the person is taken: after a stop nobody types it twice.
  async #done(taking) {
    const outcome = await this.app.say(taking);
    if (outcome && outcome.verdict !== "wrong") this.form.reset();
    this.#tell("");
    find("[data-found]").replaceChildren();
    this.app.go("scan");
  }

  #householdBefore() {
    const { held, last } = this.app.phone.collecting.session ?? {};
    const before = held?.kind === "person" ? held : last;
    return before?.household ? before : null;
  }

  #tell(words, field = null) {
    showWords(find("[data-person-problem]"), words);
    field?.focus();
    if (words) find("[data-person-problem]").scrollIntoView({ block: "nearest" });
  }
}
