/** Where the command line keeps what it works out about components. It is told so when it starts, before anything large is loaded. */
let folder: string | undefined;

/** Nothing is kept unless this says where: in the repository the sources change from one start to the next. */
export function keepIn(path: string | undefined): void {
  folder = path;
}

export const keptIn = (): string | undefined => folder;
