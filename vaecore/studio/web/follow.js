// What is shown follows the hand: one request at a time, and the newest point wins.

/** Milliseconds for which sliders rest before an edit is searched for. */
const REST = 400;
/** Waiting times that are remembered. */
const REMEMBERED = 500;

/** What an attribute is called. @param {string} attribute */
export const label = (attribute) => attribute.replaceAll("_", " ").toLowerCase();

export class Follower {
  /**
   * @param {import("./session.js").Session} session
   * @param {Object} options
   * @param {(found: any) => void | Promise<void>} options.present show what the server answered
   * @param {(text: string) => void} options.told what a searched edit reached, in words
   * @param {(text: string, bad?: boolean) => void} options.say
   */
  constructor(session, { present, told, say }) {
    Object.assign(this, { session, present, told, say });
    /** Whether edits are searched for when sliders rest. */
    this.settles = true;
    /** Milliseconds from what the visitor did to what is drawn. @type {number[]} */
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

  /** Show what is at the point now. */
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
        if (this.delays.length > REMEMBERED) this.delays.shift();
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

  /** When the sliders rest: search for the edit, which takes longer. */
  async #settle(asked) {
    const same = () => asked === this.#asked();
    if (!same()) return;
    try {
      const found = await this.session.play(true);
      if (!same()) return;
      await this.present(found);
      const parts = Object.entries(found.reached).map(([each, value]) => `${label(each)} ${value > 0 ? "+" : ""}${value.toFixed(1)}`);
      this.told(parts.length ? `Reached: ${parts.join(", ")}` : "");
    } catch (error) {
      this.say(error.message, true);
    }
  }
}
