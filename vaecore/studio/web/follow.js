// Decodes the point while a visitor moves it: one request at a time, always for the newest point.

/** Milliseconds without a change before an edit is searched for. */
const REST = 400;
/** How many delays are kept. */
const DELAYS = 500;

/** An attribute's name as a label. @param {string} attribute */
export const label = (attribute) => attribute.replaceAll("_", " ").toLowerCase();

export class Follower {
  /**
   * @param {import("./session.js").Session} session
   * @param {Object} options
   * @param {(found: any) => void | Promise<void>} options.present shows an answer of /api/play
   * @param {(text: string) => void} options.report shows what a searched edit reached
   * @param {(text: string, bad?: boolean) => void} options.say
   */
  constructor(session, { present, report, say }) {
    Object.assign(this, { session, present, report, say });
    /** Whether edits are searched for when sliders rest. */
    this.settles = true;
    /** Milliseconds from an input event to its drawing. @type {number[]} */
    this.delays = [];
    this.busy = false;
    this.again = false;
    this.since = 0;
    this.resting = 0;
  }

  #asked() {
    const { at, add, temperature, seed, corners } = this.session.state;
    return JSON.stringify([at, add, temperature, seed, corners]);
  }

  /** Decode and show the point. */
  async follow() {
    const { session } = this;
    if (!session.full().length || !session.about) return;
    this.since = performance.now();
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    let asked;
    do {
      this.again = false;
      const { since } = this;
      asked = this.#asked();
      try {
        await this.present(await session.play());
        this.delays.push(performance.now() - since);
        if (this.delays.length > DELAYS) this.delays.shift();
      } catch (error) {
        this.say(error.message, true);
      }
    } while (this.again);
    this.busy = false;
    clearTimeout(this.resting);
    if (this.settles && session.about.settles && Object.values(session.state.add).some(Boolean)) {
      this.resting = setTimeout(() => this.#settle(asked), REST);
    }
  }

  /** Search for the edit, which takes longer, unless the state changed. @param {string} asked */
  async #settle(asked) {
    const same = () => asked === this.#asked();
    if (!same()) return;
    try {
      const found = await this.session.play(true);
      if (!same()) return;
      await this.present(found);
      const parts = Object.entries(found.reached).map(([each, value]) => `${label(each)} ${value > 0 ? "+" : ""}${value.toFixed(1)}`);
      this.report(parts.length ? `Reached: ${parts.join(", ")}` : "");
    } catch (error) {
      this.say(error.message, true);
    }
  }
}
