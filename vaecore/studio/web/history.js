// Undo and redo of the visitor's states.

const MOST = 200;

export class History {
  /** @param {(state: any) => void} restore @param {() => void} changed */
  constructor(restore, changed) {
    this.restore = restore;
    this.changed = changed;
    /** @type {string[]} */
    this.states = [];
    this.at = -1;
  }

  /** Add the present state; states that were undone are dropped. */
  push(state) {
    const text = JSON.stringify(state);
    if (text === this.states[this.at]) return;
    this.states = [...this.states.slice(0, this.at + 1), text].slice(-MOST);
    this.at = this.states.length - 1;
    this.changed();
  }

  get canUndo() {
    return this.at > 0;
  }

  get canRedo() {
    return this.at < this.states.length - 1;
  }

  undo() {
    if (this.canUndo) this.#go(this.at - 1);
  }

  redo() {
    if (this.canRedo) this.#go(this.at + 1);
  }

  #go(at) {
    this.at = at;
    this.restore(JSON.parse(this.states[at]));
    this.changed();
  }
}
