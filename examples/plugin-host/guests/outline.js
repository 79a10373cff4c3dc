// A plugin in JavaScript: an outline of notes.
import { write } from 'notes:plugin/log@1.0.0';
import { get } from 'notes:plugin/notebook@1.0.0';

class Session {
  constructor(heading) {
    this.text = [heading];
  }
  add(note) {
    if (note.title === '') throw 'a note needs a title';
    this.text.push(`- ${note.title}`);
  }
  render() {
    return this.text.join('\n');
  }
}

export const renderer = {
  Session,
  render(id) {
    write(`rendering ${id}`);
    const note = get(id);
    return `${note.title}: ${note.body}`;
  },
};
