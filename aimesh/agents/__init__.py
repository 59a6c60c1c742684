"""The roles of the mesh, a module each. Agents never import agents: they meet at topics."""
