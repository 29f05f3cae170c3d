//! Building a graph node by node.

use super::proto::{
    AttributeProto, Dimension, GraphProto, Length, NodeProto, TensorProto, TensorShapeProto,
    TypeProto, TypeTensor, ValueInfoProto, attribute_type, data_type,
};

/// A value's name.
pub(super) type Name = String;

/// A graph under construction. A node is added after the nodes whose values it
/// takes.
#[derive(Default)]
pub(super) struct Graph {
    /// A prefix for the names of new nodes and constants, since names must be
    /// unique in a graph.
    pub scope: String,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    inputs: Vec<ValueInfoProto>,
}

impl Graph {
    /// Adds an input of the graph.
    pub fn input(&mut self, name: &str, kind: i32, shape: &[Length], about: &str) -> Name {
        self.inputs.push(value(name, kind, shape, about));
        name.into()
    }

    /// Adds a constant of 32-bit floats.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> Name {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(name, shape, data_type::FLOAT, bytes)
    }

    /// Adds a constant vector of integers.
    pub fn ints(&mut self, name: &str, values: &[i64]) -> Name {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(name, &[values.len()], data_type::INT64, bytes)
    }

    /// Adds a constant integer without dimensions.
    pub fn int(&mut self, name: &str, value: i64) -> Name {
        let bytes = value.to_le_bytes().to_vec();
        self.constant(name, &[], data_type::INT64, bytes)
    }

    fn constant(&mut self, name: &str, shape: &[usize], kind: i32, bytes: Vec<u8>) -> Name {
        let name = self.scope.clone() + name;
        self.constants.push(TensorProto {
            dims: shape.iter().map(|&length| length as i64).collect(),
            data_type: Some(kind),
            name: Some(name.clone()),
            raw_data: Some(bytes),
        });
        name
    }

    /// Adds a node with one output, which has the node's name.
    pub fn node(&mut self, operator: &str, name: &str, inputs: &[&str]) -> Name {
        self.node_with(operator, name, inputs, Vec::new())
    }

    /// The same with attributes.
    pub fn node_with(
        &mut self,
        operator: &str,
        name: &str,
        inputs: &[&str],
        attribute: Vec<AttributeProto>,
    ) -> Name {
        let name = self.scope.clone() + name;
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&input| input.into()).collect(),
            output: vec![name.clone()],
            name: Some(name.clone()),
            op_type: Some(operator.into()),
            attribute,
        });
        name
    }

    /// The finished graph. The name of `output` must be that of a node.
    pub fn finish(self, name: &str, output: ValueInfoProto) -> GraphProto {
        GraphProto {
            node: self.nodes,
            name: Some(name.into()),
            initializer: self.constants,
            doc_string: None,
            input: self.inputs,
            output: vec![output],
        }
    }
}

/// The description of an input or an output.
pub(super) fn value(name: &str, kind: i32, shape: &[Length], about: &str) -> ValueInfoProto {
    let dim = shape.iter().map(|length| Dimension {
        value: Some(length.clone()),
    });
    ValueInfoProto {
        name: Some(name.into()),
        r#type: Some(TypeProto {
            tensor_type: Some(TypeTensor {
                elem_type: Some(kind),
                shape: Some(TensorShapeProto { dim: dim.collect() }),
            }),
        }),
        doc_string: Some(about.into()),
    }
}

/// An integer attribute.
pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        i: Some(value),
        ..setting(name, attribute_type::INT)
    }
}

/// A floating-point attribute.
pub(super) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        f: Some(value),
        ..setting(name, attribute_type::FLOAT)
    }
}

/// An attribute that is a list of integers.
pub(super) fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        ints: values.to_vec(),
        ..setting(name, attribute_type::INTS)
    }
}

/// A text attribute.
pub(super) fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        s: Some(value.into()),
        ..setting(name, attribute_type::STRING)
    }
}

/// An attribute that is a list of texts.
pub(super) fn texts(name: &str, values: &[&str]) -> AttributeProto {
    AttributeProto {
        strings: values.iter().map(|&value| value.into()).collect(),
        ..setting(name, attribute_type::STRINGS)
    }
}

fn setting(name: &str, kind: i32) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        r#type: Some(kind),
        ..AttributeProto::default()
    }
}
