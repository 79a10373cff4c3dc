/** Tenon with rewritten core modules, as an engine for scripts. */
import type { WastEngine } from './engine.ts';
import { interruptibleEngine } from './tenon.ts';

export const engine: WastEngine = interruptibleEngine();
