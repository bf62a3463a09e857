// Practice: an invented phone, clearly invented people and tubes that no printer made. Its own database, and no request
// is ever made, so that a new team can try everything before the first person stands there. Pure.

import { checkCharacters } from "../codes.js";

const PEOPLE = [
  ["Tập Văn Một", 1958, 1],
  ["Tập Thị Hai", 1961, 1],
  ["Tập Văn Ba", 1985, 1],
  ["Tập Thị Bốn", 1988, 1],
  ["Tập Gia Bảo", 2015, 1],
  ["Thử Văn Năm", 1972, 2],
  ["Thử Thị Sáu", 1975, 2],
  ["Thử Minh Khôi", 2003, 2],
  ["Nháp Văn Bảy", 1990, 0],
  ["Nháp Thị Tám", 1994, 0],
  ["Nháp Quốc Chín", 1949, 0],
  ["Nháp Ngọc Mười", 2010, 0],
];
const COLLECTOR = invented("C", 1);
const SECOND_COLLECTOR = invented("C", 2);
const COURIER = invented("C", 3);

/** The phone that practises: everything an enrolment would have said. */
export function practiceDevice(day) {
  return {
    expires_at: null,
    day,
    team: "Luyện tập",
    collector: { name: "Người Tập", badge: COLLECTOR, language: "vi" },
    site: { id: "", name: "Điểm luyện tập" },
    campaign: { id: "", name: "Luyện tập" },
    server_key: "",
  };
}

/** A packet of docs/field.md's form, all invented; the last person has been sampled already. */
export function practicePacket(day) {
  return {
    v: 1,
    made_at: `${day}T00:00:00Z`,
    device: { day },
    campaign: { id: "", name: "Luyện tập", mixed_tube_size: 10, starts_on: day, ends_on: null },
    collectors: [
      [COLLECTOR, "Người Tập"],
      [SECOND_COLLECTOR, "Người Tập Hai"],
    ],
    couriers: [[COURIER, "Người Chở Tập"]],
    laboratories: [],
    people: PEOPLE.map(([name, year, household], place) => [
      invented("K", place + 1),
      name,
      year,
      household ? invented("H", household) : "",
      place === PEOPLE.length - 1 ? "sampled" : "open",
      1,
    ]),
    people_left_out: false,
    tubes: { single: tubes(1, 40), mixed: tubes(101, 20) },
  };
}

/** What can be scanned without paper: the next person, tube, box and badges. */
export function practiceLabels(packet, journal, mode) {
  const person = [...packet.people.values()].find((one) => one.status === "open" && !journal.sampled(one));
  const tube = [...packet.modes].find(
    ([code, its]) => its === mode && !journal.inTube(code).length && journal.closedWith(code) === null,
  );
  const box = [1, 2, 3, 4, 5].map((number) => invented("X", number)).find((code) => !journal.box(code).courier);
  return { person: person?.declaration ?? "", tube: tube?.[0] ?? "", box: box ?? "", courier: COURIER };
}

function tubes(first, count) {
  return Array.from({ length: count }, (_, place) => invented("T", first + place)).join("");
}

function invented(letter, number) {
  const body = letter + String(number).padStart(6, "0");
  return body + checkCharacters(body);
}
