"""The words of GLSL that differ between the dialects of ISF files, and what ISF adds to the language.

Tables that `glsl` mends a file by. Owns nothing.
"""

FRAGMENT, VERTEX = "fragment", "vertex"

# Extensions of older dialects that 3.30 has in itself, and that its drivers may not know.
BUILT_IN_EXTENSIONS = {
    *("GL_OES_standard_derivatives", "GL_EXT_shader_texture_lod", "GL_ARB_shader_texture_lod", "GL_EXT_frag_depth"),
    *("GL_ARB_texture_rectangle", "GL_EXT_gpu_shader4", "GL_EXT_draw_buffers", "GL_OES_texture_float"),
}

# The old dialect's own words in today's.
WORDS = {
    "gl_FragColor": "isf_FragColor",
    "vv_FragNormCoord": "isf_FragNormCoord",
    "vv_vertShaderInit": "isf_vertShaderInit",
    "sampler2DRect": "sampler2D",
    "texture1D": "texture",
    "texture2D": "texture",
    "texture3D": "texture",
    "textureCube": "texture",
    "texture2DRect": "isf_textureRect",
    "texture2DLod": "textureLod",
    "texture2DLodEXT": "textureLod",
    "texture2DLodARB": "textureLod",
    "texture2DGradEXT": "textureGrad",
    "texture2DGradARB": "textureGrad",
    "texture2DProj": "textureProj",
    "texture2DRectProj": "textureProj",
}
STAGE_WORDS = {
    FRAGMENT: {"varying": "in", "isf_FragCoord": "gl_FragCoord.xy"},
    VERTEX: {"varying": "out", "attribute": "in"},
}
# Functions that the words above turn into: a file of the old dialect may call its own things so.
TODAYS_FUNCTIONS = {"texture", "textureLod", "textureGrad", "textureProj"}
# Words that were names in the old dialect and are keywords in 3.30 or, with some drivers, of a later version.
TODAYS_KEYWORDS = {
    *("sample", "smooth", "noperspective", "filter", "common", "partition", "active", "patch", "buffer", "shared"),
    *("subroutine", "precise", "coherent", "restrict", "readonly", "writeonly", "resource", "superp", "image2D"),
}
# Words that no uniform may be called. An input's name is the file's to choose: it gets another in the program.
_KEYWORDS_AND_FUNCTIONS = """
if else for while do break continue return discard true false struct const uniform in out inout void main float int
uint bool vec2 vec3 vec4 ivec2 ivec3 ivec4 bvec2 bvec3 bvec4 mat2 mat3 mat4 sampler2D switch case default flat
centroid varying attribute invariant layout lowp mediump highp precision input output asm class union enum typedef
template this goto inline noinline volatile public static extern external interface long short double half fixed
unsigned sizeof cast namespace using packed radians degrees sin cos tan asin acos atan sinh cosh tanh pow exp log
exp2 log2 sqrt inversesqrt abs sign floor trunc round ceil fract mod modf min max clamp mix step smoothstep length
distance dot cross normalize reflect refract faceforward transpose inverse determinant any all not equal lessThan
greaterThan dFdx dFdy fwidth noise1 noise2 texture2D textureSize texelFetch
"""
NO_NAMES = {*TODAYS_FUNCTIONS, *TODAYS_KEYWORDS, *_KEYWORDS_AND_FUNCTIONS.split()}

UNIFORMS = """\
uniform int PASSINDEX;
uniform vec2 RENDERSIZE;
uniform float TIME;
uniform float TIMEDELTA;
uniform vec4 DATE;
uniform int FRAMEINDEX;
"""
# The VVSAMPLER functions are what a host once made of the others: files that were saved after that call them.
FUNCTIONS = """\
vec2 IMG_SIZE(sampler2D image) { return vec2(textureSize(image, 0)); }
vec4 IMG_PIXEL(sampler2D image, vec2 at) { return texture(image, at / vec2(textureSize(image, 0))); }
vec4 IMG_NORM_PIXEL(sampler2D image, vec2 at) { return texture(image, at); }
vec4 IMG_PIXEL(sampler2D image, vec2 at, float bias) { return texture(image, at / vec2(textureSize(image, 0))); }
vec4 IMG_NORM_PIXEL(sampler2D image, vec2 at, float bias) { return texture(image, at); }
vec4 IMG_THIS_PIXEL(sampler2D image) { return texture(image, isf_FragNormCoord); }
vec4 IMG_THIS_NORM_PIXEL(sampler2D image) { return texture(image, isf_FragNormCoord); }
vec4 isf_textureRect(sampler2D image, vec2 at) { return IMG_PIXEL(image, at); }
vec4 VVSAMPLER_2DBYPIXEL(sampler2D image, vec4 box, vec2 size, bool flip, vec2 at) { return IMG_PIXEL(image, at); }
vec4 VVSAMPLER_2DBYNORM(sampler2D image, vec4 box, vec2 size, bool flip, vec2 at) { return texture(image, at); }
vec4 VVSAMPLER_2DRECTBYPIXEL(sampler2D image, vec4 box, vec2 size, bool flip, vec2 at) { return IMG_PIXEL(image, at); }
vec4 VVSAMPLER_2DRECTBYNORM(sampler2D image, vec4 box, vec2 size, bool flip, vec2 at) { return texture(image, at); }
"""
# What hosts declare for each image, and old files read instead of IMG_SIZE. Ours fill their textures and lie upright.
IMAGE_WORDS = {
    "_{}_imgSize": "vec2(textureSize({}, 0))",
    "_{}_imgRect": "vec4(0.0, 0.0, 1.0, 1.0)",
    "_{}_flip": "false",
    "_{}_texCoord": "isf_FragNormCoord",
    "_{}_normTexCoord": "isf_FragNormCoord",
}
VERTEX_START = """\
out vec2 isf_FragNormCoord;
void isf_vertShaderInit() {
    vec2 isf_corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    gl_Position = vec4(isf_corner * 2.0 - 1.0, 0.0, 1.0);
    isf_FragNormCoord = isf_corner;
}
"""
PLAIN_VERTEX = "void main() { isf_vertShaderInit(); }\n"
TYPES = {"event": "bool", "bool": "bool", "long": "int", "float": "float", "point2D": "vec2", "color": "vec4"}
