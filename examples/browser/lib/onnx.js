import { bytesField, fieldsOf, integerField, joined } from "./protobuf.js";

// Numbers of fields in onnx.proto.
const MODEL = { graph: 7 };
const GRAPH = { node: 1, initializer: 5, output: 12 };
const NODE = { input: 1, output: 2, name: 3, type: 4, attribute: 5 };
const ATTRIBUTE = { name: 1, integer: 3, text: 4, integers: 8, type: 20 };
const ATTRIBUTE_TYPE = { integer: 2, text: 3, integers: 7 };
const TENSOR = { dims: 1, type: 2, name: 8, raw: 9 };
const VALUE = { name: 1, type: 2 };
const FLOAT = 1;

/**
 * An operation: the attributes are integers, lists of integers or texts.
 *
 * @typedef {{type: string, inputs: string[], output: string, attributes?: Record<string, number | number[] | string>}} Node
 */

/** @typedef {{shape: number[], values: Float32Array}} Constant */

/**
 * Complete a graph: fill in its external initialisers, append operations, and replace its output by theirs.
 *
 * @param {Uint8Array} model a serialised ONNX model
 * @param {Map<string, Constant>} constants by name; initialisers of these names are replaced
 * @param {Node[]} [nodes] appended; the output of the last one becomes the model's only output
 * @returns {Uint8Array} a serialised ONNX model
 */
export function completed(model, constants, nodes = []) {
  const fields = fieldsOf(model).map(({ number, raw, value }) =>
    number === MODEL.graph && value ? bytesField(MODEL.graph, completedGraph(value, constants, nodes)) : raw,
  );
  return joined(fields);
}

/** @param {Uint8Array} graph @param {Map<string, Constant>} constants @param {Node[]} nodes */
function completedGraph(graph, constants, nodes) {
  const replaced = nodes.length ? [GRAPH.initializer, GRAPH.output] : [GRAPH.initializer];
  const fields = fieldsOf(graph);
  const kept = fields.filter(({ number, value }) => {
    if (number === GRAPH.initializer) return !constants.has(nameOf(value, TENSOR.name));
    return !replaced.includes(number);
  });
  const added = Array.from(constants, ([name, constant]) => bytesField(GRAPH.initializer, tensor(name, constant)));
  for (const node of nodes) added.push(bytesField(GRAPH.node, serialised(node)));
  if (nodes.length) added.push(bytesField(GRAPH.output, floatValue(nodes[nodes.length - 1].output)));
  return joined([...kept.map(({ raw }) => raw), ...added]);
}

/** @param {Uint8Array | undefined} message @param {number} number of the field @returns {string} */
function nameOf(message, number) {
  const field = message && fieldsOf(message).find((found) => found.number === number);
  return new TextDecoder().decode(field?.value);
}

/** @param {string} name @param {Constant} constant @returns {Uint8Array} */
function tensor(name, { shape, values }) {
  const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return joined([
    ...shape.map((side) => integerField(TENSOR.dims, side)),
    integerField(TENSOR.type, FLOAT),
    bytesField(TENSOR.name, name),
    bytesField(TENSOR.raw, raw),
  ]);
}

/** @param {Node} node @returns {Uint8Array} */
function serialised({ type, inputs, output, attributes = {} }) {
  return joined([
    ...inputs.map((input) => bytesField(NODE.input, input)),
    bytesField(NODE.output, output),
    bytesField(NODE.name, output),
    bytesField(NODE.type, type),
    ...Object.entries(attributes).map(([name, value]) => bytesField(NODE.attribute, attribute(name, value))),
  ]);
}

/** @param {string} name @param {number | number[] | string} value @returns {Uint8Array} */
function attribute(name, value) {
  const parts = [bytesField(ATTRIBUTE.name, name)];
  if (typeof value === "string") {
    parts.push(bytesField(ATTRIBUTE.text, value), integerField(ATTRIBUTE.type, ATTRIBUTE_TYPE.text));
  } else if (typeof value === "number") {
    parts.push(integerField(ATTRIBUTE.integer, value), integerField(ATTRIBUTE.type, ATTRIBUTE_TYPE.integer));
  } else {
    parts.push(...value.map((item) => integerField(ATTRIBUTE.integers, item)));
    parts.push(integerField(ATTRIBUTE.type, ATTRIBUTE_TYPE.integers));
  }
  return joined(parts);
}

/** @param {string} name @returns {Uint8Array} an output of floats of any shape */
function floatValue(name) {
  const type = bytesField(1, integerField(1, FLOAT)); // TypeProto.tensor_type.elem_type
  return joined([bytesField(VALUE.name, name), bytesField(VALUE.type, type)]);
}
