/**
 * Implementation limits, the same as those of the Bytecode Alliance's tools, so that what one accepts the other accepts.
 * Each bounds a count in the binary, besides the bytes that are left.
 */
export const MAX_MODULE_TYPE_DECLARATIONS = 100_000;
export const MAX_TYPE_DECLARATIONS = 1_000_000;
export const MAX_RECORD_FIELDS = 10_000;
export const MAX_VARIANT_CASES = 10_000;
export const MAX_TUPLE_TYPES = 10_000;
export const MAX_FLAG_NAMES = 1_000;
export const MAX_ENUM_CASES = 10_000;
export const MAX_FUNCTION_PARAMS = 1_000;
export const MAX_FUNCTION_RETURNS = 1_000;
export const MAX_STRUCT_FIELDS = 10_000;
export const MAX_SUPERTYPES = 1;
export const MAX_INSTANTIATION_ARGS = 100_000;
export const MAX_CANONICAL_OPTIONS = 10;
export const MAX_START_ARGS = 1_000;
/** Entries of one section, and of one index space. */
export const MAX_INDEX_SPACE = 1_000_000;
/** Components in components, and component or instance types in types. */
export const MAX_NESTING = 100;
