"""What is measured on pictures when a model is exported: tables, context, filter, statistics."""
