/** Words of the sealed rows. */
export const enSeal = {
  title: 'Sealed rows',
  help: 'Trainings, back-tests and evaluations of this strategy do not see its sealed rows. They are opened once, for the last look before the strategy is used.',
  nothing: 'Nothing is sealed. A new version can seal a share of the newest rows; later versions may seal more, never less.',
  closed: (share: string) => `The newest ${share} of the rows are sealed, and nobody has opened them.`,
  opened: (share: string, when: string) => `The newest ${share} of the rows were sealed; they were opened on ${when} UTC.`,
  why: (reason: string) => `Reason: ${reason}`,
  open: 'Open the seal',
  openTitle: 'Open the sealed rows?',
  openHelp: 'This can be done once and never undone. Only the first run on these rows is an honest look; everything after it is marked. Decide first what you will run.',
  reasonHelp: 'At least 10 characters; kept for ever and shown to everybody who sees the strategy.',
  openedAt: (when: string) => `opened on ${when} UTC`,
  otherSnapshots: (count: number) => `earlier sessions ran on ${count} other data ${count === 1 ? 'set' : 'sets'}, which may have held these rows`,
  marks: { unopened: 'Newest rows sealed, unopened', opened_for: 'Sealed rows: the first look', after_opening: 'After the seal was opened' },
};
