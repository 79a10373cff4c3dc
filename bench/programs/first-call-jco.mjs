// From the import of what jco made of a component to a first call, in a process of its own. Argument: the file that jco wrote.
import { pathToFileURL } from 'node:url';

const since = performance.now();
const { add } = await import(pathToFileURL(process.argv[2]).href);
const sum = await add(2, 3);
const took = performance.now() - since;
if (sum !== 5) throw new Error(`2 + 3 = ${sum}`);
console.log(took);
