"""The public pages: look-up, removal, ticket. Thin routes over store and domain."""
