#version 330 core
// The picture where it lies on the screen: three by three cells, drawn without a buffer, as two triangles each. The one
// in the middle is the picture without its edges; those around it go a little beyond them.

uniform mat3 to_screen;  // shares of the picture as it is seen -> of the screen
uniform mat3 turn;       // -> of the picture as it was drawn
uniform vec4 columns;    // between which the cells lie, shares of the picture, from the left
uniform vec4 rows;       // from the bottom
uniform int first;       // of the cells that are drawn
uniform bool hollow;     // without the one in the middle

out vec2 drawn;          // place in the picture as it was drawn

void main() {
    int cell = first + gl_VertexID / 6;
    cell += hollow && cell > 3 ? 1 : 0;
    int corner = gl_VertexID % 6;
    int right = corner == 1 || corner > 3 ? 1 : 0;
    int above = corner == 2 || corner == 3 || corner == 5 ? 1 : 0;
    vec3 seen = vec3(columns[cell % 3 + right], rows[cell / 3 + above], 1.0);
    vec3 place = to_screen * seen;
    drawn = (turn * seen).xy;
    gl_Position = vec4(2.0 * place.xy - place.z, 0.0, place.z);  // divided for each pixel: in perspective
}
