// From the import of Tenon to a first call, in a process of its own. Arguments: the folder of the packages, the component, the folder of the cache.
import { pathToFileURL } from 'node:url';

const [, , packages, file, cache] = process.argv;
const since = performance.now();
const load = (name) => import(pathToFileURL(`${packages}/@tenon/${name}/src/index.js`).href);
const { Linker } = await load('component');
const { codeCache, compileFile, wasi } = await load('wasi');
const linker = new Linker();
linker.use(wasi({}));
const { exports } = await linker.instantiate(await compileFile(file, { cache: codeCache(cache) }));
const sum = await exports.add(2, 3);
const took = performance.now() - since;
if (sum !== 5) throw new Error(`2 + 3 = ${sum}`);
console.log(took);
