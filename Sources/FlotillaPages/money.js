// Keys, amounts and times as text. An amount is a whole number of the smallest unit, and never a
// binary fraction.

/** A new key: the time in milliseconds and 80 random bits, as a ULID. */
function freshKey() {
  const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  let value = BigInt(Date.now());
  for (const byte of crypto.getRandomValues(new Uint8Array(10))) value = value << 8n | BigInt(byte);
  let text = "";
  for (let place = 0; place < 26; place += 1) {
    text = letters[Number(value & 31n)] + text;
    value >>= 5n;
  }
  return text;
}

/** When a key was made, in milliseconds. */
function keyTime(key) {
  const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  return [...key.slice(0, 10)].reduce((time, letter) => time * 32 + letters.indexOf(letter), 0);
}

const largestAmount = (1n << 63n) - 1n;

/** The units that a decimal text is, or an error that says why it is none. Nothing is rounded. */
function unitsOf(text, digits) {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text.trim());
  if (!match) throw new Error(`"${text}" is no amount: write digits with at most one point`);
  const fine = (match[2] || "").replace(/0+$/, "");
  if (fine.length > digits) {
    throw new Error(`"${text}" is too fine: the currency has ${digits || "no"} digits after the point`);
  }
  const units = BigInt(match[1] + fine.padEnd(digits, "0"));
  if (units === 0n) throw new Error("the amount is zero");
  if (units > largestAmount) throw new Error(`"${text}" is too large: amounts have 63 bits`);
  return units;
}

/** Units of a currency as a decimal text, with its sign. */
function amountText(units, digits) {
  if (!/^-?\d+$/.test(String(units))) return String(units);
  const value = BigInt(units);
  const size = String(value < 0n ? -value : value).padStart(digits + 1, "0");
  const whole = grouped(size.slice(0, size.length - digits));
  return (value < 0n ? "-" : "") + whole + (digits ? "." + size.slice(-digits) : "");
}

const clockText = (milliseconds) => `${new Date(milliseconds).toISOString().slice(11, 19)} UTC`;

/** A hybrid reading: the time to the nanosecond, and how many it is behind others of that time. */
function hybridText(nanoseconds, logical) {
  const value = BigInt(nanoseconds);
  const time = new Date(Number(value / 1000000n));
  if (Number.isNaN(time.getTime())) return `${nanoseconds} ns`;
  const fine = String(value % 1000000000n).padStart(9, "0");
  return `${time.toISOString().slice(0, 19)}.${fine}Z+${logical}`;
}

const vectorText = (vector) => vector.map((one) => `${one.node}:${one.count}`).join(" ");
