"""The API of Bangfu 帮扶: GraphQL over the rooms of the core."""
